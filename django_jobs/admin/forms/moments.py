"""Points of time that people type or pick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib.admin import widgets
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

#: A browser sends the first two, people write the others.
_FORMATS: Final = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]


class DateAndTime(widgets.AdminSplitDateTime):
    """Date and time side by side, each with a name for who cannot see the label."""

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs)
        for widget, label in zip(self.widgets, (_("Date"), _("Time")), strict=True):
            widget.attrs["aria-label"] = label


def moment_field(label: _StrOrPromise, *, required: bool = True) -> forms.DateTimeField:
    """A time, with the picker of the browser."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_FORMATS[0])
    return forms.DateTimeField(
        label=label, required=required, input_formats=_FORMATS, widget=widget
    )
