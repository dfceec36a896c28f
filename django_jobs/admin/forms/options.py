"""How a job is enqueued by hand: where to, when, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.admin import widgets
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.forms.moments import DateAndTime
from django_jobs.admin.forms.reasons import ReasonForm
from django_jobs.conf import config
from django_jobs.exceptions import JobsError
from django_jobs.registry import registry

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from django_jobs.definitions import JobDefinition
    from django_jobs.options import UsingOptions


class EnqueueForm(ReasonForm):
    """Options of one enqueue; those left empty are the job's own.

    Args:
        definition: with the options that hold where nothing is typed.
    """

    queue = forms.CharField(
        label=_("Queue"),
        required=False,
        widget=widgets.AdminTextInputWidget(attrs={"list": "jobs-queues", "autocomplete": "off"}),
    )
    priority = forms.IntegerField(
        label=_("Priority"), required=False, widget=widgets.AdminIntegerFieldWidget()
    )
    delay = forms.FloatField(
        label=_("Delay"),
        required=False,
        min_value=0,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=_("Seconds from now. Leave it empty to run as soon as possible."),
    )
    scheduled_for = forms.SplitDateTimeField(
        label=_("Scheduled for"),
        required=False,
        widget=DateAndTime(),
        help_text=_("Not before this time; instead of a delay."),
    )
    field_order = ("queue", "priority", "delay", "scheduled_for", "reason")

    def __init__(self, definition: JobDefinition[Any, Any], data: Any = None) -> None:
        super().__init__(data)
        self.definition = definition
        options = definition.options
        self.fields["queue"].help_text = _empty_means(options.queue)
        lower = _("Lower runs first.")
        self.fields["priority"].help_text = f"{lower} {_empty_means(str(options.priority))}"

    @property
    def queues(self) -> list[str]:
        """Suggestions."""
        return sorted({*registry.queues(), *config.QUEUES, self.definition.queue})

    @property
    def queue_chosen(self) -> str:
        """Where the job goes."""
        return self.cleaned_data.get("queue") or self.definition.queue

    def clean(self) -> dict[str, Any]:
        """Let the queue judge every option, then all together."""
        cleaned = self.cleaned_data
        for name, value in self._typed().items():
            self._check({name: value}, name)
        if not self.errors:
            self._check(self._typed(), "scheduled_for")
        return cleaned

    def chosen(self) -> JobDefinition[Any, Any]:
        """The job with the options of a valid form."""
        return self.definition.using(**cast("UsingOptions", self._typed()))

    def _typed(self) -> dict[str, Any]:
        names = ("queue", "priority", "delay", "scheduled_for")
        typed = {name: self.cleaned_data.get(name) for name in names}
        return {name: value for name, value in typed.items() if value not in (None, "")}

    def _check(self, options: dict[str, Any], field: str) -> None:
        try:
            self.definition.using(**cast("UsingOptions", options))
        except JobsError as error:
            self.add_error(field, str(error))


def _empty_means(text: str) -> _StrOrPromise:
    return _("Leave it empty for %(default)s.") % {"default": text}
