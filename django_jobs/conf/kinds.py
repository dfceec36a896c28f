"""The kinds of values that settings have: how each is read from a text, checked and described.

Every ``from_text`` and ``check`` raises ``InvalidOption`` with the reason, without the name of
the key: the reader knows that and the value's source.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Protocol

from environ import Env

from django_jobs import backoff
from django_jobs.conf.numbers import Amount, refusal
from django_jobs.conf.queues import QUEUES_FORM, parse_queues, queues_from
from django_jobs.exceptions import InvalidOption
from django_jobs.sensitive import plain_pattern
from django_jobs.states import TERMINAL


class Kind(Protocol):
    """How one sort of value is read and checked."""

    @property
    def allowed(self) -> str:
        """What is allowed, for messages and the documentation."""

    def from_text(self, text: str) -> Any:
        """Read a value of the environment; :meth:`check` sees the result."""

    def check(self, value: object) -> Any:
        """Return the value in its final type, or raise ``InvalidOption``."""


@dataclass(frozen=True)
class Flag:
    """True or false."""

    allowed: str = "True or False (in the environment: true/false, yes/no, on/off, 1/0)"

    def from_text(self, text: str) -> bool:
        # Not Env.bool alone: it takes every unknown word for False.
        if text.strip().lower() not in {*Env.BOOLEAN_TRUE_STRINGS, *_FALSE_WORDS}:
            raise refusal(text, self.allowed)
        return bool(Env.parse_value(text.strip(), bool))

    def check(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise refusal(value, self.allowed)
        return value


@dataclass(frozen=True)
class Text:
    """A line of text."""

    longest: int

    @property
    def allowed(self) -> str:
        return f"a text of at most {self.longest} printable characters"

    def from_text(self, text: str) -> str:
        return text.strip()

    def check(self, value: object) -> str:
        if not isinstance(value, str) or len(value) > self.longest or not value.isprintable():
            raise refusal(value, self.allowed)
        return value


_FALSE_WORDS = ("false", "off", "no", "n", "0")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return f"one of {', '.join(self.words)}"

    def from_text(self, text: str) -> str:
        return text.strip().lower()

    def check(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise refusal(value, self.allowed)
        return value


@dataclass(frozen=True)
class DottedPath:
    """The dotted path of a class. That it can be imported is a system check, not our business."""

    allowed: str = 'the dotted path of a class, such as "package.module.Class"'
    optional: bool = False

    def from_text(self, text: str) -> str:
        return text.strip()

    def check(self, value: object) -> str | None:
        if value is None and self.optional:
            return None
        if not isinstance(value, str) or not _DOTTED.fullmatch(value):
            raise refusal(value, self.allowed)
        return value


_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


@dataclass(frozen=True)
class DatabaseAlias:
    """The alias of a database. That there is one is a system check, not our business."""

    allowed: str = "an alias of DATABASES"

    def from_text(self, text: str) -> str:
        return text.strip()

    def check(self, value: object) -> str | None:
        if value is None or (isinstance(value, str) and value):
            return value
        raise refusal(value, self.allowed)


@dataclass(frozen=True)
class Queues:
    """Queue names with the number of jobs that each may run at once."""

    allowed: str = f"a dict of name to concurrency or a list of names; as a text {QUEUES_FORM}"

    def from_text(self, text: str) -> str:
        parse_queues(text, 1)
        return text

    def check(self, value: object) -> object:
        # Stays as given: the reader adds CONCURRENCY, which may come from another source.
        queues_from(value, 1)
        return value


@dataclass(frozen=True)
class Retention:
    """Days to keep jobs, by terminal status."""

    allowed: str = (
        f"a dict of status ({', '.join(sorted(TERMINAL))}) to days from 0 to 36500; "
        'in the environment "completed=7,failed=90"'
    )

    def from_text(self, text: str) -> dict[str, float]:
        try:
            pairs = json.loads(text) if text.lstrip().startswith("{") else _pairs(text)
            return {status.strip(): float(days) for status, days in pairs.items()}
        except (ValueError, TypeError, RecursionError):
            raise refusal(text, self.allowed) from None

    def check(self, value: object) -> dict[str, float]:
        if not isinstance(value, dict) or any(status not in TERMINAL for status in value):
            raise refusal(value, self.allowed)
        try:
            return {str(status): _DAYS.check(days) or 0.0 for status, days in value.items()}
        except InvalidOption:
            raise refusal(value, self.allowed) from None


_DAYS = Amount(0, 36_500, "days")


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = Env.parse_value(text, dict)
    return pairs


@dataclass(frozen=True)
class Patterns:
    """Names of keys, in which ``*`` stands for anything."""

    allowed: str = (
        "a list of names of up to 100 letters, digits, dashes, underscores and *; "
        'in the environment "password,*token"'
    )

    def from_text(self, text: str) -> list[str]:
        return [part.strip() for part in text.split(",") if part.strip()]

    def check(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple | set | frozenset):
            raise refusal(value, self.allowed)
        for pattern in value:
            usable = isinstance(pattern, str) and _PATTERN.fullmatch(pattern)
            if not (usable and plain_pattern(pattern)):
                raise refusal(pattern, self.allowed)
        return tuple(value)


_PATTERN = re.compile(r"[\w*-]{1,100}")


@dataclass(frozen=True)
class Backoff:
    """A policy of :mod:`django_jobs.backoff`."""

    allowed: str = (
        "a strategy ("
        + ", ".join(backoff.STRATEGIES)
        + '), a list of seconds (in the environment "10,60,300"), or a callable'
    )

    def from_text(self, text: str) -> str | list[float]:
        if text.strip() in backoff.STRATEGIES:
            return text.strip()
        try:
            return [float(part) for part in text.split(",")]
        except ValueError:
            raise refusal(text, self.allowed) from None

    def check(self, value: object) -> object:
        try:
            backoff.validate(value)
        except InvalidOption:
            raise refusal(value, self.allowed) from None
        return value
