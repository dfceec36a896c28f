"""What operators fill in about a queue: limits, and when a pause ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.forms.moments import moment_field
from django_jobs.admin.forms.reasons import ReasonActionForm, reason_field
from django_jobs.models import Queue
from django_jobs.option_checks import MAX_DELAY

if TYPE_CHECKING:
    BaseLimits = forms.ModelForm[Queue]
else:
    BaseLimits = forms.ModelForm

#: Seconds → what the operator chooses.
LENGTHS: Final = [
    ("", _("until somebody resumes it")),
    ("900", _("for 15 minutes")),
    ("3600", _("for 1 hour")),
    ("14400", _("for 4 hours")),
    ("43200", _("for 12 hours")),
    ("86400", _("for 24 hours")),
]


class LimitsForm(BaseLimits):
    """The two limits, and why they are changed."""

    reason = reason_field(help_text=_("Optional, kept in the audit."))

    class Meta:
        model = Queue
        fields = ("max_running", "rate_limit")


class PauseForm(forms.Form):
    """When a pause ends."""

    length = forms.ChoiceField(
        label=_("Pause"),
        choices=LENGTHS,
        required=False,
        # The eye reads the button before it.
        widget=forms.Select(attrs={"aria-label": _("Pause")}),
    )
    until = moment_field(_("or until"), required=False)

    def clean_until(self) -> datetime | None:
        """A time to come."""
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and not timedelta() < until - timezone.now() <= MAX_DELAY:
            raise ValidationError(
                _("The end of a pause lies in the future, at most %(days)d days from now."),
                params={"days": MAX_DELAY.days},
            )
        return until

    @property
    def end(self) -> datetime | float | None:
        """The time, or the seconds; the time counts if both are given."""
        until: datetime | None = self.cleaned_data["until"]
        length: str = self.cleaned_data["length"]
        return until if until is not None else (float(length) if length else None)

    def told(self) -> str:
        """What is wrong, naming the field."""
        labels = {name: field.label for name, field in self.fields.items()}
        return " ".join(
            f"{labels.get(name, name)}: {error}"
            for name, errors in self.errors.items()
            for error in errors
        )


class QueueActionForm(ReasonActionForm):
    """How long a pause lasts, too."""

    length = forms.ChoiceField(label=_("Pause:"), choices=LENGTHS, required=False)
    field_order = ("action", "length", "reason")
