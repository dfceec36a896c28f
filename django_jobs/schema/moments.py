"""``datetime``, ``date``, ``time`` and ``timedelta`` as ISO 8601 texts.

A datetime in a named zone keeps it, in the form of RFC 9557:
``2026-10-25T02:30:00+01:00[Europe/Berlin]``. Without the name the second 02:30 of that night
would not come back equal, and "the same time tomorrow" would be off by an hour.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.dateparse import parse_duration
from django.utils.duration import duration_iso_string

from django_jobs.schema.converter import Converter, written_as_text
from django_jobs.schema.problems import Problem, mismatch, not_serializable


def _encode_datetime(value: Any, room: int) -> str:
    if not isinstance(value, datetime):
        raise mismatch("datetime", value)
    zone = value.tzinfo
    if zone is UTC:
        return value.isoformat()
    if value.utcoffset() is None:
        return _encode_naive(value)
    if isinstance(zone, ZoneInfo) and zone.key:
        return f"{value.isoformat()}[{zone.key}]"
    text = value.isoformat()
    if datetime.fromisoformat(text) != value:
        raise not_serializable("a datetime in a repeated or skipped hour; convert it to UTC")
    return text


def _encode_naive(value: datetime) -> str:
    if settings.USE_TZ:
        raise Problem(
            "expected an aware datetime because USE_TZ is True, got a naive one; "
            "use django.utils.timezone.make_aware()"
        )
    return value.replace(tzinfo=None).isoformat()


def _parse_datetime(text: str) -> datetime:
    try:
        value = _parse_zoned(text) if text.endswith("]") else datetime.fromisoformat(text)
    except (ValueError, OverflowError, LookupError, OSError):
        raise Problem("not an ISO 8601 datetime with a known time zone") from None
    if value.tzinfo is None and settings.USE_TZ:
        raise Problem("expected a datetime with an offset because USE_TZ is True")
    return value


def _parse_zoned(text: str) -> datetime:
    moment, _, name = text[:-1].partition("[")
    fixed, zone = datetime.fromisoformat(moment), ZoneInfo(name)
    for fold in (0, 1):
        local = fixed.replace(tzinfo=zone, fold=fold)
        if local.utcoffset() == fixed.utcoffset():
            return local
    # The rules of the zone have changed since: the moment counts, not the clock on the wall.
    return fixed.astimezone(zone)


def _encode_date(value: Any, room: int) -> str:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    raise mismatch("date", value)


def _parse_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem("not an ISO 8601 date") from None


def _encode_time(value: Any, room: int) -> str:
    if not isinstance(value, time):
        raise mismatch("time", value)
    if value.tzinfo is not None and value.utcoffset() is None:
        raise not_serializable("a time in a zone has no fixed offset; pass it without the zone")
    return value.isoformat()


def _parse_time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Problem("not an ISO 8601 time") from None


def _encode_duration(value: Any, room: int) -> str:
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    raise mismatch("timedelta", value)


def _parse_duration(text: str) -> timedelta:
    try:
        value = parse_duration(text)
    except OverflowError:
        value = None
    if value is None:
        raise Problem("not an ISO 8601 duration")
    return value


MOMENTS: Final[dict[Any, Converter]] = {
    datetime: written_as_text("datetime", _encode_datetime, _parse_datetime),
    date: written_as_text("date", _encode_date, _parse_date),
    time: written_as_text("time", _encode_time, _parse_time),
    timedelta: written_as_text("timedelta", _encode_duration, _parse_duration),
}
