"""Kinds of numbers: whole ones, amounts of a unit, sizes in bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from environ import Env

from django_jobs.conf.shown import shown
from django_jobs.exceptions import InvalidOption


def refusal(value: object, allowed: str) -> InvalidOption:
    """The error that says what is allowed instead of ``value``."""
    return InvalidOption(f"{shown(value)} is not allowed; it must be {allowed}")


def _plain(text: str) -> str:
    """The text of a number as people write it: Python reads “6_0” and “٦” as well.

    Raises:
        ValueError: it has such characters.
    """
    if not text.isascii() or "_" in text:
        raise ValueError
    return text


@dataclass(frozen=True)
class Whole:
    """An integer from ``minimum`` to ``maximum``; ``optional`` allows ``None`` too."""

    minimum: int
    maximum: int
    optional: bool = False

    @property
    def allowed(self) -> str:
        return f"an integer from {self.minimum} to {self.maximum}"

    def from_text(self, text: str) -> int:
        try:
            return int(Env.parse_value(_plain(text), int))
        except ValueError:  # it names neither the variable nor the range
            raise refusal(text, self.allowed) from None

    def check(self, value: object) -> int | None:
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise refusal(value, self.allowed)
        if not self.minimum <= value <= self.maximum:
            raise refusal(value, self.allowed)
        return value


@dataclass(frozen=True)
class Size:
    """A number of bytes, or ``None``; a text may end in K, M or G, each 1024 times the last."""

    minimum: int
    maximum: int

    @property
    def allowed(self) -> str:
        return f"a size from {self.minimum} to {self.maximum} bytes, such as 300M or 2G"

    def from_text(self, text: str) -> int:
        match = _SIZE.fullmatch(text.strip().upper())
        if match is None:
            raise refusal(text, self.allowed)
        unit: int = 1024 ** _UNITS.index(match[2])
        return int(match[1]) * unit

    def check(self, value: object) -> int | None:
        if value is None:
            return None
        if isinstance(value, str):
            value = self.from_text(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise refusal(value, self.allowed)
        if not self.minimum <= value <= self.maximum:
            raise refusal(value, self.allowed)
        return value


_UNITS = ("", "K", "M", "G")
_SIZE = re.compile(r"([0-9]{1,20})([KMG]?)B?", re.ASCII)


@dataclass(frozen=True)
class Amount:
    """A finite number from ``minimum`` to ``maximum``; ``optional`` allows ``None`` too."""

    minimum: float
    maximum: float
    unit: str
    optional: bool = False

    @property
    def allowed(self) -> str:
        return f"a number of {self.unit} from {self.minimum:g} to {self.maximum:.12g}"

    def from_text(self, text: str) -> float:
        # Not Env.float: it drops what it does not know, so "5m" would become 5.
        try:
            return float(_plain(text))
        except ValueError:
            raise refusal(text, self.allowed) from None

    def check(self, value: object) -> float | None:
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refusal(value, self.allowed)
        if not self.minimum <= value <= self.maximum:  # refuses NaN, too
            raise refusal(value, self.allowed)
        return float(value)
