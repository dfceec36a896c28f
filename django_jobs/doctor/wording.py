"""How findings say numbers, times and lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


def span(length: float | timedelta) -> str:
    """A length of time (seconds or ``timedelta``): ``4.5 s``, ``45 s``, ``12 min``, ``3.5 h``."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.0f} days"


def listed(names: Sequence[str], most: int = 6) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"
