"""``Optional`` and ``Union``: the first member that gives the value back wins.

JSON has fewer types than Python: under ``datetime | str`` the text of a date would come back as
a datetime. So a value is stored only when decoding would choose the same member again.
"""

from __future__ import annotations

from typing import Any

from django_jobs.exceptions import InvalidArguments, PayloadTooDeep
from django_jobs.schema.converter import Converter
from django_jobs.schema.problems import Problem, mismatch, not_serializable
from django_jobs.schema.sameness import same


def optional(member: Converter) -> Converter:
    """``member | None``."""
    encode_member, decode_member = member.encode, member.decode

    def encode(value: Any, room: int) -> Any:
        if value is None:
            return None
        encoded = encode_member(value, room)
        if encoded is None:
            raise not_serializable(f"ambiguous: a value of {member.label} is stored as null")
        return encoded

    def decode(stored: Any, exact: bool) -> Any:
        return None if stored is None else decode_member(stored, exact)

    return Converter(f"{member.label} | None", encode, decode)


def union_of(members: list[Converter]) -> Converter:
    """``first | second``: tried in order, both ways."""
    label = " | ".join(member.label for member in members)

    def encode(value: Any, room: int) -> Any:
        problems: list[Problem] = []
        candidates: list[Any] = []
        for member in members:
            try:
                encoded = member.encode(value, room)
            except Problem as problem:
                problems.append(problem)
                continue
            chosen, back = choose(encoded, exact=False)
            if same(back, value):
                return encoded
            if chosen is member:
                candidates.append(encoded)
        if candidates:  # a subclass, such as a text choice under str | int
            return candidates[0]
        if len(problems) < len(members):
            raise not_serializable(f"ambiguous: it would not come back the same under {label}")
        raise _most_specific(problems, label, value)

    def decode(stored: Any, exact: bool) -> Any:
        return choose(stored, exact)[1]

    def choose(stored: Any, exact: bool) -> tuple[Converter, Any]:
        """The member that takes ``stored`` for a value of its own, and that value."""
        # A text that only resembles a UUID is a text, if there is a member for texts.
        for strictness in (True,) if exact else (True, False):
            for member in members:
                try:
                    return member, member.decode(stored, strictness)
                except Problem:
                    continue
        raise mismatch(label, stored)

    return Converter(label, encode, decode)


def _most_specific(problems: list[Problem], label: str, value: object) -> Problem:
    """The one problem that says more than "wrong type", if there is just one such."""
    for problem in problems:
        if problem.error is PayloadTooDeep:
            return problem
    specific = [
        problem
        for problem in problems
        if problem.is_nested or problem.error is not InvalidArguments
    ]
    return specific[0] if len(specific) == 1 else mismatch(label, value)
