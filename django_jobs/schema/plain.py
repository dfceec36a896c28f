"""Plain JSON: what parameters without a type hint accept, and nothing that JSON would change."""

from __future__ import annotations

import math
from typing import Any, Final

from django_jobs.exceptions import InvalidText
from django_jobs.schema.converter import Converter, KeyForm, advice
from django_jobs.schema.problems import (
    Problem,
    at_index,
    at_key,
    not_serializable,
    too_deep,
    type_name,
)
from django_jobs.validation import text_problem

#: Python refuses to print integers of more than 4,300 digits; we stop a little earlier.
INTEGER_MAX_DIGITS: Final = 4000
_INTEGER_MAX_BITS: Final = int(INTEGER_MAX_DIGITS * math.log2(10))

#: From here on, Python writes floats as ``1e+16`` and PostgreSQL's jsonb gives them back as
#: integers: 10000000000000000.
FLOAT_BECOMES_INTEGER: Final = 1e16


def check_text(text: str) -> str:
    """Return ``text``, or raise the problem of text that PostgreSQL cannot store."""
    problem = text_problem(text)
    if problem is not None:
        raise Problem(f"the text {problem}", InvalidText)
    return text


def check_integer(value: int) -> int:
    """Return ``value``, or raise the problem of an integer too long to be written out."""
    if value.bit_length() > _INTEGER_MAX_BITS:
        raise not_serializable(f"an integer of more than {INTEGER_MAX_DIGITS:,} digits")
    return value


def check_finite(value: float) -> float:
    """Return ``value``, or raise the problem of NaN and infinities, which JSON lacks."""
    if not math.isfinite(value):
        raise not_serializable("NaN and Infinity have no JSON form; pass None or a text")
    return value


def encode_plain(value: Any, room: int) -> Any:
    """Copy a value that is JSON already; refuse everything that would come back different."""
    kind = type(value)
    if kind is str:
        return check_text(value)
    if kind is int:
        return check_integer(value)
    if kind is bool or value is None:
        return value
    if kind is float:
        return _encode_float(value)
    if kind is list:
        return _encode_list(value, room)
    if kind is dict:
        return _encode_dict(value, room)
    raise not_serializable(_why_not(value))


def encode_plain_key(key: Any, room: int = 0) -> str:
    """Return the key of a dict without type hints, which must be a text."""
    if type(key) is not str:
        raise not_serializable(
            f"a key of type {type_name(key)} would come back as text; "
            "annotate the dict with the type of its keys, or use str keys"
        )
    problem = text_problem(key)
    if problem is not None:
        raise Problem(f"the key {problem}", InvalidText)
    return key


def decode_plain(stored: Any, exact: bool) -> Any:
    """Return the stored value, which is plain JSON; of what the job could change, a copy.

    What it was given must still be known when it failed: its secrets are hidden in the error.
    """
    return _copied(stored)


def _copied(stored: Any) -> Any:
    if type(stored) is dict:
        return {key: _copied(value) for key, value in stored.items()}
    if type(stored) is list:
        return [_copied(value) for value in stored]
    return stored


def _encode_float(value: float) -> float:
    if abs(check_finite(value)) >= FLOAT_BECOMES_INTEGER:
        raise not_serializable(
            "a float of 1e16 or more comes back from PostgreSQL as an integer; annotate it as float"
        )
    return value


def _encode_list(value: list[Any], room: int) -> list[Any]:
    if room <= 0:
        raise too_deep()
    encoded: list[Any] = []
    try:
        for item in value:
            encoded.append(encode_plain(item, room - 1))  # noqa: PERF401 - the index is needed
    except Problem as problem:
        problem.inside(at_index(len(encoded)), value)
        raise
    return encoded


def _encode_dict(value: dict[Any, Any], room: int) -> dict[str, Any]:
    if room <= 0:
        raise too_deep()
    encoded: dict[str, Any] = {}
    for key, item in value.items():
        try:
            encoded[encode_plain_key(key)] = encode_plain(item, room - 1)
        except Problem as problem:
            problem.inside(at_key(key), value)
            raise
    return encoded


def _why_not(value: object) -> str:
    hint = advice(value)
    if hint:
        return f"{type_name(value)} has no exact JSON form{hint}"
    return f"{type_name(value)} has no JSON form of its own; annotate it with its type"


PLAIN: Final = Converter("JSON", encode_plain, decode_plain)
PLAIN_KEY: Final = Converter("str", encode_plain_key, decode_plain, KeyForm.TEXT)
