"""The pair of functions that a type hint is compiled to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from django.db.models import Manager, Model, QuerySet
from django.utils.functional import Promise

from django_jobs.schema.problems import Problem, mismatch, not_serializable, type_name

#: ``encode(value, room) -> JSON``; ``room`` is how many levels of nesting are still allowed.
Encode: TypeAlias = Callable[[Any, int], Any]
#: ``decode(stored, exact) -> value``; if ``exact``, only what ``encode`` itself would have written
#: is taken, no other spelling.
Decode: TypeAlias = Callable[[Any, bool], Any]


class KeyForm(Enum):
    """How values of a type become the keys of a JSON object, which are always strings."""

    NONE = "cannot be a key"
    TEXT = "its JSON form is a string already"
    JSON = "its JSON form is written out: 7 as '7', true as 'true'"


@dataclass(slots=True)
class Converter:
    """How values of one type hint are stored. ``label`` is the hint as messages show it.

    Both functions raise :class:`~django_jobs.schema.problems.Problem`. What ``encode`` returns
    shares no list or dict with its argument: later changes to that cannot reach the job.
    """

    label: str
    encode: Encode
    decode: Decode
    key_form: KeyForm = KeyForm.NONE


def written_as_text(label: str, encode: Encode, parse: Callable[[str], Any]) -> Converter:
    """A converter for a type whose values are stored as texts.

    Args:
        parse: reads any spelling of a value; raises ``Problem``.
    """

    def decode(stored: Any, exact: bool) -> Any:
        if type(stored) is not str:
            raise mismatch(f"{label} text", stored)
        value = parse(stored)
        if exact and encode(value, 0) != stored:
            raise Problem(f"not the usual spelling of a {label}")
        return value

    return Converter(label, encode, decode, KeyForm.TEXT)


def opaque(label: str, reason: str = "has no JSON form") -> Converter:
    """A converter for a hint that cannot be stored: it refuses every value.

    A parameter with such a hint may exist (say, with a default that only tests replace); it is
    an error to pass it.
    """

    def encode(value: Any, room: int) -> Any:
        raise not_serializable(f"{label} {reason}{advice(value)} (got {type_name(value)})")

    def decode(stored: Any, exact: bool) -> Any:
        raise not_serializable(f"{label} {reason}")

    return Converter(label, encode, decode)


def advice(value: object) -> str:
    """What to pass instead of ``value``, as the tail of a sentence."""
    for kind, words in _ADVICE:
        if isinstance(value, kind):
            return f"; {words}"
    return ""


_ADVICE: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (Model, "pass its pk and load the object in the job"),
    ((QuerySet, Manager), "pass a list of pks"),
    ((bytes, bytearray, memoryview), "store the bytes elsewhere, or pass them as base64 text"),
    (Promise, "pass str() of the lazy text"),
    (tuple, "annotate it as a tuple, or pass a list"),
    ((set, frozenset), "annotate it as a set, or pass a list"),
)
