"""The form of a job's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from django_jobs.admin.forms.fields import Entry, entry_of, secret_entry
from django_jobs.admin.forms.json_field import ABSENT, JSONTextField
from django_jobs.admin.forms.masked_params import has_marker, restored
from django_jobs.admin.forms.parameters import JobParameter, parameters_of
from django_jobs.conf import config
from django_jobs.exceptions import JobsError
from django_jobs.redaction import Redactor, sensitive_keys
from django_jobs.schema.problems import Problem
from django_jobs.sensitive import HIDDEN

if TYPE_CHECKING:
    from django_jobs.admin.forms.pickers import Pickers
    from django_jobs.definitions import JobDefinition


class JobForm(forms.Form):
    """Takes the arguments of one call.

    What was stored before and is not touched stays exactly as it is, also what the page cannot
    show exactly: a secret, a microsecond, a time zone.

    Args:
        definition: the job.
        data: what was posted.
        stored: arguments to begin with, as plain JSON.
        fixed: arguments that come from elsewhere; the form has no fields for them.
        pickers: find object pickers.

    Attributes:
        params: the arguments as they are stored, once the form is valid; without those fixed.
        left_out: stored arguments that the job no longer takes.
    """

    def __init__(
        self,
        definition: JobDefinition[Any, Any],
        data: Any = None,
        *,
        stored: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Any] | None = None,
        pickers: Pickers | None = None,
    ) -> None:
        super().__init__(data, prefix="params")
        self.definition = definition
        self.params: dict[str, Any] = {}
        self._stored = dict(stored or {})
        self._fixed = dict(fixed or {})
        self._masked = _masked(definition, self._stored)
        self._parameters: dict[str, JobParameter] = {}
        self._entries: dict[str, Entry] = {}
        #: Fields that show nothing of what is stored: left empty, it is kept.
        self._hidden: set[str] = set()
        for parameter in parameters_of(definition):
            if parameter.name not in self._fixed:
                self._add(parameter, pickers)
        self.left_out = sorted(self._stored.keys() - self._parameters.keys() - self._fixed.keys())

    @property
    def changes(self) -> list[str]:
        """The names of the arguments that differ from the stored ones; for a valid form."""
        names = [*self._parameters, *self.left_out]
        return [
            name
            for name in names
            if self._stored.get(name, ABSENT) != self.params.get(name, ABSENT)
        ]

    def clean(self) -> dict[str, Any]:
        """Let the schema judge every argument, then all together."""
        given = dict(self._fixed)
        for name in self._entries:
            if self.has_error(name):
                continue
            try:
                value = self._value(name)
            except Problem as problem:
                self.add_error(name, problem.describe(name))
            except ValidationError as error:
                self.add_error(name, error)
            else:
                if value is not ABSENT:
                    given[name] = value
        if not self.errors:
            self._check_together(given)
        return self.cleaned_data

    def _check_together(self, given: dict[str, Any]) -> None:
        schema = self.definition.schema
        try:
            positional, named = schema.from_json(given)
            stored = schema.bind(positional, named)
        except JobsError as error:
            self.add_error(None, str(error))
            return
        self.params = {name: stored[name] for name in stored if name not in self._fixed}

    def _value(self, name: str) -> Any:
        """The JSON of one argument, or :data:`ABSENT`."""
        parameter, entry = self._parameters[name], self._entries[name]
        if name in self._stored and self._is_untouched(name):
            return self._stored[name]
        typed = self.cleaned_data[name]
        if _is_nothing(typed, entry.field):
            return ABSENT if parameter.has_default else self._checked(parameter, None)
        if isinstance(entry.field, JSONTextField) and name in self._masked:
            typed = restored(typed, self._masked[name], self._stored[name])
            _refuse_marker(typed)
        value = self._checked(parameter, entry.to_json(typed))
        is_default = isinstance(entry.field, forms.BooleanField) and typed is parameter.default
        return ABSENT if is_default and name not in self._stored else value

    @staticmethod
    def _checked(parameter: JobParameter, value: Any) -> Any:
        try:
            decoded = parameter.converter.decode(value, False)
            return parameter.converter.encode(decoded, config.PAYLOAD_MAX_DEPTH - 1)
        except RecursionError:
            raise ValidationError(_("This nests too deep.")) from None

    def _is_untouched(self, name: str) -> bool:
        if name in self._hidden:
            return _is_nothing(self.cleaned_data[name], self.fields[name])
        return name not in self.changed_data

    # Fields

    def _add(self, parameter: JobParameter, pickers: Pickers | None) -> None:
        name = parameter.name
        stored, shown = self._stored.get(name, ABSENT), self._masked.get(name, ABSENT)
        picker = pickers.widget(parameter, self.definition) if pickers else None
        entry = entry_of(parameter, shown, picker)
        is_json = isinstance(entry.field, JSONTextField) and not parameter.is_sensitive
        if stored is not ABSENT and (parameter.is_sensitive or (shown != stored and not is_json)):
            entry = secret_entry(parameter)
            self._hidden.add(name)
        elif stored is not ABSENT:
            entry.field.initial = entry.to_initial(shown)
        elif isinstance(entry.field, forms.BooleanField):
            entry.field.initial = parameter.default is True
        self._parameters[name], self._entries[name] = parameter, entry
        self.fields[name] = self._dressed(parameter, entry.field)

    def _dressed(self, parameter: JobParameter, field: forms.Field) -> forms.Field:
        """With what a person needs to know beside the field."""
        name = parameter.name
        field.label = name
        field.required = not (
            parameter.has_default
            or parameter.hint.is_optional
            or isinstance(field, forms.BooleanField)
            or name in self._hidden
            or self._stored.get(name, ABSENT) == ""
        )
        field.widget.is_required = field.required
        kind, empty = self._kind_of(parameter, field), self._meaning_of_empty(parameter)
        lines = [parameter.about, kind, empty]
        field.help_text = format_html_join(" · ", "{}", ((line,) for line in lines if line))
        return field

    def _kind_of(self, parameter: JobParameter, field: forms.Field) -> Any:
        kind = format_html("<code>{}</code>", parameter.converter.label)
        if isinstance(field, JSONTextField):
            return format_html("{} ({})", kind, _("as JSON"))
        if isinstance(field, forms.DurationField):
            return format_html("{} ({})", kind, _("such as 1:30:00, or 2 00:00:00 for two days"))
        return kind

    def _meaning_of_empty(self, parameter: JobParameter) -> str:
        if parameter.name in self._hidden:
            return _("Leave it empty to keep the hidden value.")
        if isinstance(self._entries[parameter.name].field, forms.BooleanField):
            return ""
        if parameter.is_variable:
            return _("Leave it empty for none.")
        if parameter.has_default:
            default = parameter.default_text
            if not default:
                return _("Leave it empty for the default.")
            return _("Leave it empty for %(default)s.") % {"default": default}
        return _("Leave it empty for none.") if parameter.hint.is_optional else ""


def _masked(definition: JobDefinition[Any, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored arguments as they may be shown, by their true names."""
    redactor = Redactor(sensitive_keys(definition.name), [dict(stored)])
    return {
        name: HIDDEN if name in redactor.keys else redactor.data(value)
        for name, value in stored.items()
    }


def _is_nothing(typed: Any, field: forms.Field) -> bool:
    if isinstance(field, JSONTextField):
        return typed is ABSENT
    return not isinstance(field, forms.BooleanField) and typed in (None, "")


def _refuse_marker(value: Any) -> None:
    if has_marker(value):
        raise ValidationError(
            _("%(marker)s stands for a value that is kept; write a new one here.")
            % {"marker": HIDDEN}
        )
