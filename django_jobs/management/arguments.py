"""Types of single command line arguments: each returns the value or says what is allowed."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django_jobs.conf.keys import KEYS
from django_jobs.exceptions import InvalidJob, InvalidOption
from django_jobs.names import check_job_name, check_queue_name

Convert = Callable[[str], Any]


def setting(key: str) -> Convert:
    """The value of a setting, with that setting's range."""
    kind = KEYS[key].kind

    def convert(text: str) -> Any:
        return _refusing(lambda: kind.check(kind.from_text(text)))

    return convert


def queue_name(text: str) -> str:
    """The name of a queue."""
    return str(_refusing(lambda: check_queue_name(text)))


def job_name(text: str) -> str:
    """A name that a job can have; whether one has it is another question."""
    try:
        return check_job_name(text)
    except InvalidJob as error:
        raise ArgumentTypeError(str(error)) from None


def whole_number(text: str) -> int:
    """A whole number in ASCII digits; its range is checked with the other options."""
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        raise ArgumentTypeError(f"{text[:60]!r} is not a whole number")
    return int(text)


def job_id(text: str) -> UUID:
    """The id of a job."""
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text[:60]!r} is not the id of a job (a UUID)") from None


def moment(text: str) -> datetime:
    """A time in ISO 8601; that it has a zone is checked with the other options."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text[:60]!r} is not a time in ISO 8601 such as 2030-01-31T08:00:00+01:00"
        ) from None


def at_least_one(text: str) -> int:
    """A whole number from 1 to a billion."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0
    if not 1 <= number <= 1_000_000_000:
        raise ArgumentTypeError(f"{text[:60]!r} is not a whole number from 1 to 1000000000")
    return number


def _refusing(read: Callable[[], Any]) -> Any:
    """Let argparse show why a value is refused, with the name of its option."""
    try:
        return read()
    except InvalidOption as error:
        raise ArgumentTypeError(str(error)) from None
