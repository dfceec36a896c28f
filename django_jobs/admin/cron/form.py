"""The form of a schedule: everything is checked before a worker has to find out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.forms.masked_params import has_marker, restored
from django_jobs.admin.shared import payload
from django_jobs.admin.shared.shown import printable
from django_jobs.conf import config
from django_jobs.crontab import Crontab
from django_jobs.crontab.zones import zone_named
from django_jobs.exceptions import InvalidTimezone, JobsError
from django_jobs.models import CronJob
from django_jobs.names import INTERNAL, JOB_NAME
from django_jobs.registry import registry
from django_jobs.sensitive import HIDDEN

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition

    BaseForm = forms.ModelForm[CronJob]
else:
    BaseForm = forms.ModelForm


class ParamsField(forms.JSONField):
    """A JSON object; also what the parser itself cannot swallow becomes a message."""

    widget = forms.Textarea(attrs={"rows": 6, "cols": 80, "class": "vLargeTextField jobs-code"})

    def to_python(self, value: Any) -> Any:
        """Read it; nothing at all is an empty object."""
        try:
            found = super().to_python(value)
        except (RecursionError, ValueError) as error:  # nests too deep, or a number is too long
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise ValidationError(
                _('Enter a JSON object of arguments by name, such as {"top": 10}.')
            )
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, to be shown again."""
        try:
            return super().bound_data(data, initial)
        except (RecursionError, ValueError):
            return InvalidJSONInput(data)

    def prepare_value(self, value: Any) -> Any:
        """With indentation."""
        if isinstance(value, InvalidJSONInput):
            return value
        return printable(json.dumps(value, indent=2, ensure_ascii=False))


class CronJobForm(BaseForm):
    """Add or change a schedule."""

    job_name = forms.ChoiceField(label=_("Job"), choices=[])
    params = ParamsField(
        label=_("Parameters"),
        required=False,
        initial=dict,
        help_text=_("A JSON object of the job's arguments; dates and the like as texts."),
    )

    class Meta:
        model = CronJob
        fields = (
            "name",
            "job_name",
            "params",
            "cron_expression",
            "timezone",
            "enabled",
            "queue",
            "priority",
            "missed_policy",
            "missed_max",
            "overlap_policy",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._masked: Any = {}
        if "params" in self.fields and not self.instance._state.adding:
            self._masked = self.initial["params"] = payload.masked_params(self.instance)
        field = self.fields.get("job_name")
        if isinstance(field, forms.ChoiceField):  # absent where the row belongs to the code
            field.choices = self._job_choices()

    @staticmethod
    def may_use(job_name: str, queue: str | None) -> bool:
        """Whether the user may schedule a job in a queue, or in its own; the page puts this in."""
        return True

    def _job_choices(self) -> list[tuple[str, str]]:
        named = (one.name for one in registry if one.name not in INTERNAL)
        names = [name for name in named if self.may_use(name, None)]
        choices = [("", "---------"), *((name, name) for name in names)]
        current = self.instance.job_name
        if current and current not in names:
            choices.append((current, current))
        return choices

    def clean_name(self) -> str:
        """The characters that a schedule's name may have."""
        name: str = self.cleaned_data["name"]
        if not JOB_NAME.fullmatch(name):
            raise ValidationError(
                _("Letters, digits, dots, colons, dashes and underscores are allowed.")
            )
        return name

    def clean(self) -> dict[str, Any]:
        """Check what belongs together."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "cron_expression" in cleaned and "timezone" in cleaned:
            self._check_expression(cleaned)
        if "job_name" in cleaned:
            self._check_job(cleaned)
        return cleaned

    def _check_expression(self, cleaned: dict[str, Any]) -> None:
        expression, timezone = cleaned["cron_expression"], cleaned["timezone"]
        try:
            zone_named(timezone)
        except InvalidTimezone as error:
            self.add_error("timezone", str(error))
            timezone = "UTC"  # The expression is checked all the same.
        # “H” takes its value from the name; without one, that is the error to show first.
        name = cleaned.get("name") or "unnamed"
        try:
            Crontab.parse(expression, timezone, name, min_interval=config.CRON_MIN_INTERVAL)
        except JobsError as error:
            self.add_error("cron_expression", str(error))

    def _check_job(self, cleaned: dict[str, Any]) -> None:
        try:
            definition = registry.get(cleaned["job_name"])
        except JobsError as error:
            self.add_error("job_name", str(error))
            return
        if not self.may_use(definition.name, cleaned.get("queue") or None):
            field = "queue" if self.may_use(definition.name, None) else "job_name"
            text = _("You may not enqueue this job into the queue %(queue)s.")
            self.add_error(field, text % {"queue": cleaned.get("queue") or definition.queue})
        self._check_params(cleaned, definition)
        self._check_option(definition, "queue", cleaned.get("queue") or None)
        self._check_option(definition, "priority", cleaned.get("priority"))

    def _check_params(self, cleaned: dict[str, Any], definition: JobDefinition[Any, Any]) -> None:
        if "params" not in self.fields:  # not for the eyes of this user; they must fit all the same
            if "job_name" in self.changed_data:
                self._check_unseen(definition)
            return
        if "params" not in cleaned:
            return
        params = cleaned["params"]
        # Of another job other names may be secret: there the hidden values would be shown.
        if self.initial.get("job_name") == definition.name:
            params = restored(params, self._masked, self.instance.params)
        if has_marker(params):
            self.add_error(
                "params",
                _("%(marker)s stands for a value of this job that is kept; write a new one here.")
                % {"marker": HIDDEN},
            )
            return
        fitting = self._fit("params", definition, params)
        if fitting is not None:
            cleaned["params"] = fitting

    def _check_unseen(self, definition: JobDefinition[Any, Any]) -> None:
        """Parameters that go to another job without having been looked at."""
        if payload.masked_params(self.instance) != self.instance.params:
            # As above: what is secret of this job may be shown of the other.
            self.add_error("job_name", payload.needed())
            return
        self._fit("job_name", definition, self.instance.params)

    def _fit(
        self, field: str, definition: JobDefinition[Any, Any], params: dict[str, Any]
    ) -> dict[str, Any] | None:
        try:
            return _stored(definition, params)
        except JobsError as error:
            self.add_error(field, str(error))
            return None

    def _check_option(self, definition: JobDefinition[Any, Any], name: str, value: Any) -> None:
        if value is None:
            return
        try:
            definition.using(**{name: value})
        except JobsError as error:
            self.add_error(name, str(error))


def _stored(definition: JobDefinition[Any, Any], params: dict[str, Any]) -> dict[str, Any]:
    """The form in which a job's arguments are stored, from JSON that a person typed.

    Raises:
        InvalidArguments: they do not fit the job; the message names the argument.
    """
    positional, named = definition.schema.from_json(params)
    return definition.schema.bind(positional, named)
