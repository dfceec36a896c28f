"""The qualifiers of the search box, and how each reads its value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from django_jobs.conditions import PARAMS, UNFINISHED, Condition
from django_jobs.priority import PRIORITY_MAX, PRIORITY_MIN
from django_jobs.states import Status

#: Names in the path of a parameter: each is an expression inside the one before it.
DEEPEST: Final = 20

_AGE: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COMPARED: Final = re.compile(r"(<=|>=|<|>|)(.*)", re.DOTALL)
_OPPOSITE: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class QueryError(ValueError):
    """What a person typed that is no search."""


_Reader = Callable[[str, str, datetime], list[Condition]]


def reader_of(name: str) -> _Reader | None:
    """What reads the value of a qualifier; ``None`` if there is no such qualifier."""
    if name.startswith(PARAMS):
        return _parameter
    return QUALIFIERS.get(name)


def _status(name: str, value: str, now: datetime) -> list[Condition]:
    statuses = tuple(part.lower() for part in value.split(","))
    known = [UNFINISHED, *map(str, Status.values)]
    for status in statuses:
        if status not in known:
            raise QueryError(
                _("status: no such status “%(status)s”; one of %(known)s.")
                % {"status": status, "known": ", ".join(known)}
            )
    return [Condition(name, "=", statuses)]


def _names(name: str, value: str, now: datetime) -> list[Condition]:
    """Names, several with commas between them, or a part of one with stars."""
    return [_glob(name, value)] if "*" in value else [Condition(name, "=", tuple(_parts(value)))]


def _parts(value: str) -> list[str]:
    return [part for part in value.split(",") if part] or [value]


def _glob(name: str, value: str) -> Condition:
    part = value.strip("*")
    if not part or "*" in part or len(value) > len(part) + 2:
        raise QueryError(
            _("%(name)s: a * may stand before and behind a text, as in *import*.") % {"name": name}
        )
    if value.startswith("*"):
        return Condition(name, "contains" if value.endswith("*") else "ends", (part,))
    return Condition(name, "starts", (part,))


def _exact(name: str, value: str, now: datetime) -> list[Condition]:
    return [Condition(name, "=", (value,))]


def _error(name: str, value: str, now: datetime) -> list[Condition]:
    return [Condition(name, "contains", (value.strip("*") or value,))]


def _parameter(name: str, value: str, now: datetime) -> list[Condition]:
    path = name.removeprefix(PARAMS).split(".")
    if not all(path) or len(path) > DEEPEST:
        raise QueryError(_("%(name)s: name a parameter, as in params.region:CA.") % {"name": name})
    return [_glob(name, value) if "*" in value else Condition(name, "=", (value,))]


def _id(name: str, value: str, now: datetime) -> list[Condition]:
    try:
        return [Condition(name, "=", (UUID(value).hex,))]
    except ValueError:
        raise QueryError(_("id: “%(value)s” is no id of a job.") % {"value": value}) from None


def _number(name: str, value: str, now: datetime) -> list[Condition]:
    operator, number = _compared(value)
    try:
        if not PRIORITY_MIN <= int(number) <= PRIORITY_MAX:
            raise ValueError
    except ValueError:
        raise QueryError(
            _("%(name)s: a whole number, perhaps with <, <=, > or >= before it; got “%(value)s”.")
            % {"name": name, "value": value}
        ) from None
    return [Condition(name, operator or "=", (str(int(number)),))]


def _time(name: str, value: str, now: datetime) -> list[Condition]:
    """An age (``<2h``: less than two hours ago) or a date, with or without a time."""
    operator, text = _compared(value)
    age = _AGE.fullmatch(text)
    try:
        if age is not None:
            moment = now - timedelta(**{_UNITS[age[2]]: int(age[1])})
            return [Condition(name, _OPPOSITE[operator or "<"], (moment.isoformat(),))]
        start = datetime.fromisoformat(text)
        start = start.replace(tzinfo=now.tzinfo) if start.tzinfo is None else start
        if now.tzinfo is None:
            start = start.replace(tzinfo=None)
        if start.tzinfo is not None:
            start.astimezone(UTC)  # databases keep that, and it may lie before the year 1
        if operator:
            return [Condition(name, operator, (start.isoformat(),))]
        end = start + timedelta(days=1)
    except (ValueError, OverflowError):
        raise QueryError(
            _(
                "%(name)s: an age or a date, as in %(name)s:<2h, %(name)s:>3d or "
                "%(name)s:>=2026-01-31; got “%(value)s”."
            )
            % {"name": name, "value": value}
        ) from None
    return [
        Condition(name, ">=", (start.isoformat(),)),
        Condition(name, "<", (end.isoformat(),)),
    ]


def _compared(value: str) -> tuple[str, str]:
    found = _COMPARED.fullmatch(value)
    assert found is not None
    return found[1], found[2].strip()


QUALIFIERS: Final[dict[str, _Reader]] = {
    "status": _status,
    "queue": _names,
    "job": _names,
    "tag": _exact,
    "error": _error,
    "created": _time,
    "ended": _time,
    "worker": _exact,
    "id": _id,
    "unique": _exact,
    "correlation": _exact,
    "subject": _exact,
    "failure": _exact,
    "priority": _number,
    "attempts": _number,
}

#: Qualifier → an example of it.
EXAMPLES: Final = {
    "status": "status:failed,discarded",
    "queue": "queue:reports",
    "job": "job:quake*",
    "params.": "params.region:CA",
    "error": "error:Timeout",
    "created": "created:<2h",
    "ended": "ended:>=2026-01-31",
    "tag": "tag:nightly",
    "worker": "worker:web-1",
    "id": "id:01a20900-0000-7000-8000-000000000000",
    "unique": "unique:order-17",
    "correlation": "correlation:import-7",
    "subject": "subject:shop.order:17",
    "failure": "failure:0123456789abcdef",
    "priority": "priority:<5",
    "attempts": "attempts:>1",
}
