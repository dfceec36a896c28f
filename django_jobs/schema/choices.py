"""``Enum`` (by value) and ``Literal``: a fixed set of values, each with its JSON form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from enum import Enum, Flag
from typing import Any, TypeAlias

from django_jobs.schema.converter import Converter, KeyForm, opaque
from django_jobs.schema.problems import Problem, mismatch, not_serializable

#: Encodes one of the fixed values by its own type.
EncodeValue: TypeAlias = Callable[[Any], Any]


def enumeration(kind: type[Enum], encode_value: EncodeValue) -> Converter:
    """The converter of an enum class; its values must have a JSON form."""
    if issubclass(kind, Flag):
        return _flags(kind)
    members = list(kind.__members__.values())
    if not members:
        return opaque(kind.__qualname__, "is an enum without members")
    try:
        forms = {member.name: encode_value(member.value) for member in members}
    except Problem as problem:
        return opaque(kind.__qualname__, f"has a value without a JSON form: {problem.message}")
    by_form = {_token(forms[member.name]): member for member in members}
    label = kind.__qualname__

    def encode(value: Any, room: int) -> Any:
        if type(value) is not kind:
            raise mismatch(label, value)
        return forms[value._name_]

    def decode(stored: Any, exact: bool) -> Any:
        member = by_form.get(_token(stored))
        if member is None:
            raise Problem(f"not a value of {label}")
        return member

    return Converter(label, encode, decode, _key_form(forms.values()))


def literal(values: tuple[Any, ...], encode_value: EncodeValue) -> Converter:
    """The converter of ``Literal[values]``."""
    label = f"Literal[{', '.join(_shown(value) for value in values)}]"
    try:
        forms = {(type(value), value): encode_value(value) for value in values}
    except Problem as problem:
        return opaque(label, problem.message)
    by_form: dict[tuple[type, Any], Any] = {}
    for value in reversed(values):
        by_form[_token(forms[type(value), value])] = value

    def encode(value: Any, room: int) -> Any:
        form = forms.get(_identity(value, forms), _ABSENT)
        if form is _ABSENT:
            raise Problem(f"expected {label}, got another value")
        if type(by_form[_token(form)]) is not _identity(value, forms)[0]:
            raise not_serializable(f"ambiguous: two values of {label} have the same JSON form")
        return form

    def decode(stored: Any, exact: bool) -> Any:
        value = by_form.get(_token(stored), _ABSENT)
        if value is _ABSENT:
            raise Problem(f"not one of {label}")
        return value

    return Converter(label, encode, decode, _key_form(forms.values()))


_ABSENT = object()


def _flags(kind: type[Flag]) -> Converter:
    label = kind.__qualname__

    def encode(value: Any, room: int) -> Any:
        if type(value) is not kind:
            raise mismatch(label, value)
        return value.value

    def decode(stored: Any, exact: bool) -> Any:
        if type(stored) is not int:
            raise mismatch(f"{label} number", stored)
        try:
            return kind(stored)
        except ValueError:
            raise Problem(f"not a value of {label}") from None

    return Converter(label, encode, decode, KeyForm.JSON)


def _identity(value: Any, forms: dict[tuple[type, Any], Any]) -> tuple[type, Any]:
    """The key under which ``forms`` may hold ``value``; a text choice counts as its text."""
    kind = type(value)
    if not isinstance(value, str | int | Enum | None):
        return (kind, _ABSENT)  # perhaps it has no hash
    if isinstance(value, str) and (kind, value) not in forms:
        return (str, str.__str__(value))
    return (kind, value)


def _token(form: Any) -> tuple[type, Any]:
    """A hashable stand-in for a JSON value, in which ``1``, ``1.0`` and ``true`` differ."""
    kind = type(form)
    return (kind, json.dumps(form, sort_keys=True) if kind in (list, dict) else form)


def _shown(value: Any) -> str:
    return f"{type(value).__qualname__}.{value.name}" if isinstance(value, Enum) else repr(value)


def _key_form(forms: Iterable[Any]) -> KeyForm:
    kinds = {type(form) for form in forms}
    if kinds == {str}:
        return KeyForm.TEXT
    return KeyForm.JSON if kinds <= {str, int, float, bool} else KeyForm.NONE
