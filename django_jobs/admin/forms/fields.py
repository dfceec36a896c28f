"""From a type hint to the form field that helps most to type a value of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from pathlib import PurePath
from typing import Any, Final, Literal
from uuid import UUID

from django import forms
from django.contrib.admin import widgets
from django.forms.utils import from_current_timezone, to_current_timezone
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.forms.json_field import ABSENT, JSONTextField, pretty_text
from django_jobs.admin.forms.moments import DateAndTime
from django_jobs.admin.forms.parameters import JobParameter
from django_jobs.admin.shared.shown import printable
from django_jobs.schema.problems import Problem

#: ``Annotated[str, MULTILINE]`` asks for a text area.
MULTILINE: Final = "multiline"
_ROOM: Final = 100
#: The choice that stands for ``None`` where nothing stands for the default.
_NULL: Final = "null"


@dataclass(frozen=True, slots=True)
class Entry:
    """A form field, and how its value becomes JSON and back.

    Attributes:
        to_json: takes what the field cleaned.
        to_initial: takes stored JSON; raises ``Problem`` where the field cannot show it.
    """

    field: forms.Field
    to_json: Callable[[Any], Any]
    to_initial: Callable[[Any], Any]


class TextField(forms.CharField):
    """A text, kept as it was typed; browsers send line breaks as two characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        """One character for a line break."""
        return _lines(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Line breaks alone are no change."""
        return _lines(initial or "") != _lines(data or "")

    def prepare_value(self, value: Any) -> Any:
        """Of a lone surrogate no page can be made."""
        return printable(value) if isinstance(value, str) else value


def entry_of(parameter: JobParameter, stored: Any = ABSENT, picker: Any = None) -> Entry:
    """The entry of a parameter.

    Args:
        stored: the JSON that it is going to show; what a field of the parameter's type cannot show
            is edited as JSON.
        picker: the widget that chooses an object.
    """
    if parameter.is_sensitive:
        return secret_entry(parameter)
    entry = _typed(parameter, stored, picker)
    if entry is None or not _can_show(entry, stored):
        return _json(parameter)
    return entry


def secret_entry(parameter: JobParameter) -> Entry:
    """An input that never shows what is in it."""
    widget = forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "new-password"})
    if parameter.hint.kind is str:
        return _text(parameter, widget)
    field = JSONTextField(widget=widget, takes_words=True)
    return Entry(field, lambda value: value, _never_shown)


def _typed(parameter: JobParameter, stored: Any, picker: Any) -> Entry | None:
    hint = parameter.hint
    choices = _choices(parameter)
    if choices is not None:
        return _choice(parameter, choices)
    if parameter.is_variable or _has_two_empties(parameter):
        return None
    if hint.kind is bool:
        return _python(parameter, forms.BooleanField())
    if hint.kind is str:
        has_lines = any(isinstance(one, str) and "\n" in one for one in (stored, parameter.default))
        is_marked = any(isinstance(mark, str) and mark == MULTILINE for mark in hint.marks)
        if has_lines or is_marked:
            return _text(parameter, widgets.AdminTextareaWidget(attrs={"rows": 6}))
        return _text(parameter, picker or widgets.AdminTextInputWidget())
    if isinstance(hint.kind, type) and issubclass(hint.kind, PurePath):
        return _text(parameter, widgets.AdminTextInputWidget())
    if hint.kind is datetime:
        return _moment(parameter)
    build = _FIELDS.get(hint.kind)
    if build is None:
        return None
    field = build(parameter)
    if picker is not None:
        field.widget = picker
    return _python(parameter, field)


def _has_two_empties(parameter: JobParameter) -> bool:
    """Whether leaving it empty could mean ``None`` or the default: then ``null`` must be typed."""
    return parameter.hint.is_optional and parameter.has_default and parameter.default is not None


# Values of Python, which the schema itself encodes


def _python(parameter: JobParameter, field: forms.Field) -> Entry:
    converter = parameter.converter
    return Entry(
        field,
        lambda value: converter.encode(value, _ROOM),
        lambda stored: converter.decode(stored, False),
    )


def _moment(parameter: JobParameter) -> Entry:
    entry = _python(parameter, forms.SplitDateTimeField(widget=DateAndTime()))

    def to_initial(stored: Any) -> Any:
        value = entry.to_initial(stored)
        try:
            from_current_timezone(to_current_timezone(value))
        except forms.ValidationError:  # an hour that the clocks here show twice
            raise Problem("has no unambiguous form") from None
        return value

    return Entry(entry.field, entry.to_json, to_initial)


def _text(parameter: JobParameter, widget: forms.Widget) -> Entry:
    """A text that the schema reads: a ``str`` or a path."""
    return Entry(TextField(widget=widget), lambda value: value, _as_text)


def _as_text(stored: Any) -> str:
    if isinstance(stored, str):
        return stored
    raise Problem("not a text")


def _never_shown(stored: Any) -> Any:
    return ABSENT


def _json(parameter: JobParameter) -> Entry:
    field = JSONTextField()
    if parameter.hint.kind in _FIELDS:  # 7 or null
        field.widget.attrs["rows"] = 1
    return Entry(field, lambda value: value, pretty_text)


def _number(parameter: JobParameter, kind: Any, **options: Any) -> forms.Field:
    lowest, highest = _range(parameter)
    field: forms.Field = kind(min_value=lowest, max_value=highest, **options)
    return field


def _range(parameter: JobParameter) -> tuple[Any, Any]:
    """What ``Annotated[int, Ge(1), Le(9)]`` allows, in whatever library's words."""
    lowest = highest = None
    for mark in parameter.hint.marks:
        lowest = _bound(mark, "ge", lowest)
        highest = _bound(mark, "le", highest)
        if parameter.hint.kind is int:
            above, below = _bound(mark, "gt", None), _bound(mark, "lt", None)
            lowest = above + 1 if isinstance(above, int) else lowest
            highest = below - 1 if isinstance(below, int) else highest
    return lowest, highest


def _bound(mark: Any, name: str, otherwise: Any) -> Any:
    value = getattr(mark, name, None)
    return value if isinstance(value, int | float | Decimal) else otherwise


_FIELDS: Final[dict[Any, Callable[[JobParameter], forms.Field]]] = {
    int: lambda parameter: _number(
        parameter, forms.IntegerField, widget=widgets.AdminIntegerFieldWidget()
    ),
    float: lambda parameter: _number(
        parameter, forms.FloatField, widget=forms.NumberInput(attrs={"step": "any"})
    ),
    Decimal: lambda parameter: _number(
        parameter, forms.DecimalField, widget=forms.NumberInput(attrs={"step": "any"})
    ),
    date: lambda parameter: forms.DateField(widget=widgets.AdminDateWidget()),
    time: lambda parameter: forms.TimeField(widget=widgets.AdminTimeWidget()),
    timedelta: lambda parameter: forms.DurationField(widget=widgets.AdminTextInputWidget()),
    UUID: lambda parameter: forms.UUIDField(widget=widgets.AdminUUIDInputWidget()),
}


# A fixed set of values


def _choices(parameter: JobParameter) -> dict[str, tuple[Any, Any]] | None:
    """Name → label and value."""
    kind = parameter.hint.kind
    if kind is Literal:
        return {repr(one): (_worded(one), one) for one in parameter.hint.arguments}
    if isinstance(kind, type) and issubclass(kind, Enum) and not issubclass(kind, Flag):
        return {one.name: (_worded(one), one) for one in kind}
    if kind is bool and parameter.hint.is_optional:
        return {"true": (_("Yes"), True), "false": (_("No"), False)}
    return None


def _worded(value: Any) -> Any:
    if isinstance(value, Enum):
        label = getattr(value, "label", None)
        return label if label is not None else f"{value.name} ({value.value})"
    return value if isinstance(value, str) and value else repr(value)


def _choice(parameter: JobParameter, choices: dict[str, tuple[Any, Any]]) -> Entry:
    offered = dict(choices)
    if _has_two_empties(parameter):
        offered[_NULL] = (_("none"), None)
    names = [("", "---------"), *((name, label) for name, (label, _value) in offered.items())]
    converter = parameter.converter

    def to_json(name: Any) -> Any:
        return converter.encode(offered[name][1], _ROOM)

    def to_initial(stored: Any) -> str:
        value = converter.decode(stored, False)
        for name, (_label, one) in offered.items():
            if one == value and type(one) is type(value):
                return name
        if value is None:
            return ""
        raise Problem("not one of the choices")

    return Entry(forms.ChoiceField(choices=names), to_json, to_initial)


def _can_show(entry: Entry, stored: Any) -> bool:
    if stored is ABSENT:
        return True
    try:
        shown = entry.to_initial(stored)
    except (Problem, RecursionError):
        return False
    # A time with an offset would lose it.
    return getattr(shown, "tzinfo", None) is None or isinstance(shown, datetime)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
