"""Why somebody does something: asked for on pages, and beside the actions of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared.buttons import REASON_MAX
from django_jobs.conf import config
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class ReasonField(forms.CharField):
    """Why somebody does it, storable anywhere.

    Each form that is made asks the site whether that may be left out.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> ReasonField:
        copied: ReasonField = super().__deepcopy__(memo)
        if config.REASON_REQUIRED:
            copied.required, copied.help_text = True, ""
        return copied

    def clean(self, value: Any) -> str:
        return clean_text(super().clean(value), REASON_MAX)


def reason_field(help_text: _StrOrPromise = "") -> forms.CharField:
    """Why somebody does it."""
    return ReasonField(
        label=_("Reason"),
        required=False,
        max_length=REASON_MAX,
        help_text=help_text,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
    )


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = reason_field(_("Optional, kept in the history."))

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, prefix="options", **options)

    @property
    def reason_given(self) -> str:
        """Why; empty if nobody says."""
        return str(self.cleaned_data["reason"])


class ReasonActionForm(ActionForm):
    """Beside the action of a list: why."""

    reason = forms.CharField(
        label=_("Reason:"),
        required=False,
        max_length=REASON_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
