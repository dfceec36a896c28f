"""What is wrong with one value, and where: raised deep inside, given its path on the way out.

Paths are built only when something is wrong, so good values pay nothing for them.
"""

from __future__ import annotations

from typing import Final

from django_jobs.exceptions import (
    InvalidArguments,
    JobsError,
    NotSerializable,
    PayloadTooDeep,
)

_SHOWN_SEGMENTS: Final = 12
_SHOWN_KEY: Final = 40


class Problem(Exception):
    """One value that has no place in its schema.

    Messages name types and paths, never the value: arguments may be secrets.
    """

    def __init__(self, message: str, error: type[JobsError] = InvalidArguments) -> None:
        super().__init__(message)
        self.message = message
        self.error = error
        self._segments: list[str] = []
        self._holders: list[object] = []

    @property
    def is_nested(self) -> bool:
        """Whether the value is inside the one that was given."""
        return bool(self._segments)

    def inside(self, segment: str, holder: object = None) -> None:
        """Note that the value is at ``segment`` of ``holder``; called from the inside out."""
        self._segments.append(segment)
        self._holders.append(holder)

    def describe(self, root: str) -> str:
        """The path from ``root`` and the message."""
        return f"{_join(root, self._segments[::-1])}: {self.message}"

    def as_error(self, root: str) -> JobsError:
        """The public exception for this problem, its message starting with the path."""
        loop = self._find_loop(root) if self.error is PayloadTooDeep else None
        if loop is not None:
            return NotSerializable(loop)
        return self.error(self.describe(root))

    def _find_loop(self, root: str) -> str | None:
        """Say where a value contains itself, if that is why it nests so deep."""
        segments, holders = self._segments[::-1], self._holders[::-1]
        first_seen: dict[int, int] = {}
        for position, holder in enumerate(holders):
            if holder is None:
                continue
            before = first_seen.setdefault(id(holder), position)
            if before != position:
                inner, outer = _join(root, segments[:position]), _join(root, segments[:before])
                return f"{inner}: circular reference, it contains itself (see {outer})"
        return None


def at_index(position: int) -> str:
    """The path segment of an item of a list."""
    return f"[{position}]"


def at_key(key: object) -> str:
    """The path segment of an item of a dict; long keys are cut."""
    text = repr(key) if isinstance(key, str | int) else f"<{type_name(key)}>"
    return f"[{text if len(text) <= _SHOWN_KEY else text[:_SHOWN_KEY] + '…'}]"


def type_name(value: object) -> str:
    """The name of a value's type as messages show it."""
    return "None" if value is None else type(value).__qualname__


def mismatch(expected: str, value: object) -> Problem:
    """The problem of a value of the wrong type."""
    return Problem(f"expected {expected}, got {type_name(value)}")


def not_serializable(message: str) -> Problem:
    """The problem of a value without an exact JSON form."""
    return Problem(message, NotSerializable)


def too_deep() -> Problem:
    """The problem of a value that nests deeper than allowed."""
    return Problem("nests deeper than PAYLOAD_MAX_DEPTH allows", PayloadTooDeep)


def _join(root: str, segments: list[str]) -> str:
    if len(segments) > _SHOWN_SEGMENTS:
        segments = [*segments[:_SHOWN_SEGMENTS], "…"]
    return root + "".join(segments)
