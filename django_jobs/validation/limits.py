"""What the database cannot or should not store, found before it is asked."""

from __future__ import annotations

import json
from typing import Any, Final

from django_jobs.exceptions import PayloadTooLarge

_encoder: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False
)

#: Bytes of one character at most: those of a control character, written as an escape.
_WIDEST: Final = 6
#: Bytes of the punctuation of an item and of a short value, say 24 of a float, at most.
_AROUND: Final = 32
_SHORT: Final = frozenset({float, bool, type(None)})


def text_problem(text: str) -> str | None:
    """Say why PostgreSQL cannot store ``text``, as the end of a sentence; ``None`` if it can."""
    if "\0" in text:
        return "holds a NUL character"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate"
    return None


def size_of(stored: Any) -> int:
    """The size of plain JSON in bytes, as UTF-8 without spaces.

    Raises:
        ValueError: it holds NaN or an infinity.
        TypeError: it is not plain JSON.
    """
    text = _encoder.encode(stored)
    return len(text) if text.isascii() else len(text.encode())


def check_size(stored: Any, limit: int, what: str, setting: str) -> None:
    """Refuse plain JSON of more than ``limit`` bytes.

    Args:
        what: the name of the value, for the message.
        setting: the setting that holds the limit.

    Raises:
        PayloadTooLarge: the message holds both sizes.
    """
    if _is_small(stored, limit):
        return
    size = size_of(stored)
    if size > limit:
        raise PayloadTooLarge(
            f"{what}: {size:,} bytes of JSON, but {setting} allows {limit:,} bytes"
        )


def _is_small(stored: Any, limit: int) -> bool:
    """Whether a flat dict surely fits, told without writing it out, which takes longer."""
    if type(stored) is not dict:
        return False
    most = 2
    for key, value in stored.items():
        kind = type(value)
        if kind is str:
            most += _WIDEST * len(value)
        elif kind is int:
            most += value.bit_length()
        elif kind not in _SHORT:
            return False
        most += _WIDEST * len(key) + _AROUND
    return most <= limit
