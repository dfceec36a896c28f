"""Time zones by name, and where their clocks jump."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django_jobs.exceptions import InvalidTimezone

_NAME: Final = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
_MAX_LENGTH: Final = 64
_SECOND: Final = timedelta(seconds=1)
_NONE: Final = timedelta(0)


def zone_named(name: object) -> ZoneInfo:
    """Return the time zone called ``name``, such as ``Europe/Berlin``.

    Raises:
        InvalidTimezone: there is none; the message names a close one.
    """
    if not isinstance(name, str):
        raise InvalidTimezone(f"timezone: a {type(name).__name__} is not the name of a time zone.")
    # The name becomes a path: nothing but plain parts may reach the file system.
    if len(name) > _MAX_LENGTH or not _NAME.fullmatch(name):
        raise InvalidTimezone(f"timezone: {name[:60]!r} is not the name of a time zone.")
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        close = get_close_matches(name, available_timezones(), n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidTimezone(f"timezone: there is no time zone {name!r}.{hint}") from None


def overlap(wall: datetime, zone: ZoneInfo) -> timedelta:
    """How far the clock jumps around the wall-clock time ``wall`` (naive).

    Positive: ``wall`` occurs twice, this far apart. Negative: the clock skips it, with a gap
    of this length. Zero: it occurs once.
    """
    before = wall.replace(tzinfo=zone, fold=0).utcoffset() or _NONE
    after = wall.replace(tzinfo=zone, fold=1).utcoffset() or _NONE
    return before - after


def end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the clock jumped over ``wall``, which is in a gap."""
    low = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # before the jump
    high = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)  # at or after it
    offset = high.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)
