"""Check the text of a cron expression field by field, so that errors can name the field.

croniter reads the result, but it also accepts seconds, random fields, reversed ranges (which
it reads wrongly) and steps without effect. Those are refused here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django_jobs.exceptions import InvalidCron

MAX_LENGTH: Final = 200

#: Names for common expressions, as in Vixie cron.
ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

# fmt: off
_MONTHS: Final = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
]
# fmt: on
_DAYS: Final = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_HASH: Final = re.compile(r"h(?:\((?P<range>[^()]*)\))?")


@dataclass(frozen=True)
class Field:
    """One of the five fields: its name, the values it takes, and names for them."""

    name: str
    minimum: int
    maximum: int
    names: dict[str, int]


FIELDS: Final = (
    Field("minute", 0, 59, {}),
    Field("hour", 0, 23, {}),
    Field("day of month", 1, 31, {}),
    Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    Field("day of week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)


def fields_of(expression: object) -> list[str]:
    """Return the five fields of ``expression`` in lower case, each one checked.

    Raises:
        InvalidCron: it is no such text; the message names the field.
    """
    text = _clean(expression)
    if text.startswith("@"):
        text = _expanded(text)
    parts = text.split()
    if len(parts) != len(FIELDS):
        raise InvalidCron(
            f"cron: the expression has {len(parts)} fields, it needs 5 fields: "
            "minute, hour, day of month, month, day of week."
        )
    for field, part in zip(FIELDS, parts, strict=True):
        for element in part.split(","):
            _check_element(field, element)
    return parts


def is_hashed(fields: list[str]) -> bool:
    """Say whether some field leaves its value to the name of the schedule (``H``)."""
    return any(element.startswith("h") for field in fields for element in field.split(","))


def _clean(expression: object) -> str:
    if not isinstance(expression, str):
        raise InvalidCron(f"cron: the expression is a {type(expression).__name__}, not a text.")
    if len(expression) > MAX_LENGTH:
        raise InvalidCron(
            f"cron: the expression has {len(expression)} characters, {MAX_LENGTH} are allowed."
        )
    text = expression.replace("\t", " ").strip(" ").lower()
    if not text.isascii() or not text.isprintable():
        raise InvalidCron("cron: the expression holds characters other than printable ASCII.")
    return text


def _expanded(text: str) -> str:
    if text not in ALIASES:
        raise InvalidCron(
            f"cron: {text!r} is not supported; write one of {', '.join(ALIASES)}, or 5 fields."
        )
    return ALIASES[text]


def _check_element(field: Field, element: str) -> None:
    """Check one element of a comma-separated field, such as ``*/5``, ``1-5`` or ``mon#1``."""
    base, slash, step = element.partition("/")
    if slash:
        _check_step(field, element, step)
    hashed = _HASH.fullmatch(base)
    if hashed:
        if hashed["range"] is not None:
            _check_range(field, element, hashed["range"])
    elif base == "*" or (not slash and _is_special(field, base)):
        return
    elif "-" in base:
        _check_range(field, element, base)
    else:
        _value(field, element, base)


def _check_step(field: Field, element: str, step: str) -> None:
    largest = field.maximum - field.minimum
    if not _NUMBER.fullmatch(step) or not 1 <= int(step) <= largest:
        raise _invalid(field, element, f"the step {step!r} is not from 1 to {largest}")


def _check_range(field: Field, element: str, text: str) -> None:
    first, _, last = text.partition("-")
    low, high = _value(field, element, first), _value(field, element, last)
    if last == "sun":
        high = 7
    if low > high:
        raise _invalid(field, element, "the range runs backwards")


def _is_special(field: Field, base: str) -> bool:
    """``l`` is the last day of the month; ``fri#2`` the second Friday, ``l5`` the last."""
    if field.name == "day of month":
        return base == "l"
    return field.name == "day of week" and bool(
        re.fullmatch(rf"([0-7]|{'|'.join(_DAYS)})#[1-5]|l[0-7]", base)
    )


def _value(field: Field, element: str, text: str) -> int:
    if text in field.names:
        return field.names[text]
    if text == "?" or text.startswith("r"):
        raise _invalid(field, element, "'?' and 'R' are not supported")
    if not _NUMBER.fullmatch(text):
        raise _invalid(field, element, f"{text!r} is no value of this field")
    if not field.minimum <= int(text) <= field.maximum:
        raise _invalid(field, element, f"{text} is not from {field.minimum} to {field.maximum}")
    return int(text)


def _invalid(field: Field, element: str, reason: str) -> InvalidCron:
    return InvalidCron(f"cron: the {field.name} field {element!r} is not valid: {reason}.")
