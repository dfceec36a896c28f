"""Spans of time as people write them: ``30d``, ``12h``, ``90m``, ``45s``."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([smhd])", re.ASCII)

#: A hundred years: nothing is kept or delayed longer, and every database can count back so far.
LONGEST: Final = 36_500 * 86_400.0


def duration(text: str) -> float:
    """Read a number with its unit; return seconds. A type for ``add_argument()``.

    Raises:
        ArgumentTypeError: there is no unit, no number, or it is longer than 100 years.
    """
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else None
    if seconds is None or seconds > LONGEST:
        raise ArgumentTypeError(
            f"{text[:60]!r} is not a number with a unit (s, m, h or d) such as 45s, 90m, 12h or "
            "30d, of at most 36500d"
        )
    return seconds
