"""What an examination found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    PROBLEM = "problem"
    NOT_APPLICABLE = "n.a."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one examination says.

    Attributes:
        condition: how bad it is.
        found: what was seen, for people.
        fix: what to do about it; empty where nothing is to be done.
    """

    condition: Condition
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with the name of its examination: one row of the table."""

    check: str
    condition: Condition
    found: str
    fix: str


def ok(found: str) -> Verdict:
    """All is well."""
    return Verdict(Condition.OK, found)


def warn(found: str, fix: str) -> Verdict:
    """Jobs run, but may not for long, or not as well as they could."""
    return Verdict(Condition.WARN, found, fix)


def problem(found: str, fix: str) -> Verdict:
    """Jobs do not run, or get lost or late."""
    return Verdict(Condition.PROBLEM, found, fix)


def not_applicable(found: str) -> Verdict:
    """There is no such thing here."""
    return Verdict(Condition.NOT_APPLICABLE, found)
