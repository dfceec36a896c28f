"""Dataclasses, named tuples and typed dicts: JSON objects with a converter per field."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django_jobs.schema.converter import Converter
from django_jobs.schema.problems import (
    Problem,
    at_key,
    mismatch,
    not_serializable,
    too_deep,
    type_name,
)
from django_jobs.schema.sameness import equal

Converters: TypeAlias = Mapping[str, Converter]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a record type.

    Attributes:
        required: the fields that must be there.
        written: the fields that are always there when we encoded it.
        segment: how a path shows a field.
    """

    label: str
    converters: Converters
    required: frozenset[str]
    written: frozenset[str]
    segment: Callable[[str], str]

    def encode(self, value: object, pairs: Mapping[str, Any], room: int) -> dict[str, Any]:
        """Encode the fields ``pairs`` of the record ``value``."""
        if room <= 0:
            raise too_deep()
        encoded: dict[str, Any] = {}
        for name, one in pairs.items():
            try:
                encoded[name] = self.converters[name].encode(one, room - 1)
            except Problem as problem:
                problem.inside(self.segment(name), value)
                raise
        return encoded

    def decode(self, stored: Any, exact: bool) -> dict[str, Any]:
        """Return the decoded fields by name."""
        if type(stored) is not dict:
            raise mismatch(f"{self.label} as a dict", stored)
        self.check_names(stored, self.written if exact else self.required)
        decoded: dict[str, Any] = {}
        for name, one in stored.items():
            try:
                decoded[name] = self.converters[name].decode(one, exact)
            except Problem as problem:
                problem.inside(self.segment(name), stored)
                raise
        return decoded

    def check_names(self, given: Mapping[Any, Any], required: frozenset[str]) -> None:
        """Refuse missing and unknown fields."""
        for name in given:
            if name not in self.converters:
                problem = Problem(f"{self.label} has no such field")
                problem.inside(self.segment(name) if isinstance(name, str) else at_key(name))
                raise problem
        missing = required - given.keys()
        if missing:
            raise Problem(f"{self.label} misses {', '.join(map(repr, sorted(missing)))}")


def attribute(name: str) -> str:
    """The path segment of an attribute."""
    return f".{name}"


def dataclass_of(kind: type, converters: Converters) -> Converter:
    """A dataclass; fields that its constructor does not take are computed again."""
    known = dataclasses.fields(kind)
    fields = Fields(
        label=kind.__qualname__,
        converters=converters,
        required=frozenset(one.name for one in known if one.init and not _has_default(one)),
        written=frozenset(converters),
        segment=attribute,
    )
    taken = [one.name for one in known if one.init]
    must_compare = len(taken) < len(known) or hasattr(kind, "__post_init__")

    def encode(value: Any, room: int) -> dict[str, Any]:
        if type(value) is not kind:
            raise mismatch(fields.label, value)
        encoded = fields.encode(value, _read(value, taken), room)
        if must_compare and not comes_back(value, encoded):
            raise not_serializable(f"{fields.label} does not come back equal from its fields")
        return encoded

    def comes_back(value: Any, encoded: dict[str, Any]) -> bool:
        again = decode(encoded, False)
        return all(equal(getattr(again, one.name), getattr(value, one.name)) for one in known)

    def decode(stored: Any, exact: bool) -> Any:
        return _construct(kind, fields.decode(stored, exact))

    return Converter(fields.label, encode, decode)


def named_tuple_of(kind: Any, converters: Converters) -> Converter:
    """A ``NamedTuple`` or ``collections.namedtuple``, stored by field name."""
    fields = Fields(
        label=kind.__qualname__,
        converters=converters,
        required=frozenset(kind._fields) - kind._field_defaults.keys(),
        written=frozenset(converters),
        segment=attribute,
    )

    def encode(value: Any, room: int) -> dict[str, Any]:
        if type(value) is not kind:
            raise mismatch(fields.label, value)
        return fields.encode(value, _read(value, kind._fields), room)

    def decode(stored: Any, exact: bool) -> Any:
        return _construct(kind, fields.decode(stored, exact))

    return Converter(fields.label, encode, decode)


def typed_dict_of(kind: type, converters: Converters, required: frozenset[str]) -> Converter:
    """A ``TypedDict``: no unknown keys, all required ones."""
    fields = Fields(kind.__qualname__, converters, required, required, at_key)

    def encode(value: Any, room: int) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mismatch(fields.label, value)
        fields.check_names(value, required)
        return fields.encode(value, value, room)

    return Converter(fields.label, encode, fields.decode)


def _read(value: Any, names: list[str]) -> dict[str, Any]:
    try:
        return {name: getattr(value, name) for name in names}
    except AttributeError:
        raise Problem(f"{type_name(value)} has a field without a value") from None


def _construct(kind: Any, values: dict[str, Any]) -> Any:
    try:
        return kind(**values)
    except Exception as error:
        raise Problem(f"{kind.__qualname__} refused its fields: {type_name(error)}") from error


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return (
        field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    )
