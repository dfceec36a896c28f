"""``None``, ``bool``, ``int``, ``float`` and ``str``.

Strict: a bool is no int, a text no number. An int is fine where a float is declared. Subclasses
(members of ``TextChoices``, safe strings, numpy floats) are stored as what they are equal to:
Django gives a choice as an enum member or as plain text, depending on where the object is from.
"""

from __future__ import annotations

from typing import Any, Final

from django_jobs.schema.converter import Converter, KeyForm
from django_jobs.schema.plain import (
    FLOAT_BECOMES_INTEGER,
    check_finite,
    check_integer,
    check_text,
)
from django_jobs.schema.problems import mismatch, not_serializable


def _encode_text(value: Any, room: int) -> str:
    if type(value) is str:
        return check_text(value)
    if isinstance(value, str):
        return check_text(str.__str__(value))
    raise mismatch("str", value)


def _decode_text(stored: Any, exact: bool) -> str:
    if type(stored) is str:
        return stored
    raise mismatch("str", stored)


def _encode_integer(value: Any, room: int) -> int:
    if type(value) is int:
        return check_integer(value)
    if isinstance(value, int) and type(value) is not bool:
        return check_integer(int.__int__(value))
    raise mismatch("int", value)


def _decode_integer(stored: Any, exact: bool) -> int:
    if type(stored) is int:
        return stored
    raise mismatch("int", stored)


def _encode_float(value: Any, room: int) -> float | int:
    number = value if type(value) is float else _to_float(value)
    # Stored as the integer that PostgreSQL would make of it anyway, so that every database
    # gives back the same; decoding makes it a float again, exactly.
    return int(number) if abs(check_finite(number)) >= FLOAT_BECOMES_INTEGER else number


def _to_float(value: Any) -> float:
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, int) and type(value) is not bool:
        try:
            number = float(value)
        except OverflowError:
            raise not_serializable("an integer too large for a float") from None
        if number != value:
            raise not_serializable("an integer that no float equals exactly")
        return number
    raise mismatch("float", value)


def _decode_float(stored: Any, exact: bool) -> float:
    if type(stored) is float:
        return check_finite(stored)
    if type(stored) is int and not (exact and abs(stored) < FLOAT_BECOMES_INTEGER):
        return _to_float(stored)
    raise mismatch("float", stored)


def _encode_boolean(value: Any, room: int) -> bool:
    if type(value) is bool:
        return value
    raise mismatch("bool", value)


def _decode_boolean(stored: Any, exact: bool) -> bool:
    return _encode_boolean(stored, 0)


def _encode_none(value: Any, room: int) -> None:
    if value is not None:
        raise mismatch("None", value)


def _decode_none(stored: Any, exact: bool) -> None:
    return _encode_none(stored, 0)


SCALARS: Final[dict[Any, Converter]] = {
    str: Converter("str", _encode_text, _decode_text, KeyForm.TEXT),
    int: Converter("int", _encode_integer, _decode_integer, KeyForm.JSON),
    float: Converter("float", _encode_float, _decode_float, KeyForm.JSON),
    bool: Converter("bool", _encode_boolean, _decode_boolean, KeyForm.JSON),
    type(None): Converter("None", _encode_none, _decode_none),
}
