"""Times in sentences."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import ngettext


def span(length: timedelta) -> str:
    """A length of time in its two largest units: “3 hours, 5 minutes”, “12 seconds”."""
    seconds = math.ceil(max(length.total_seconds(), 0.0))
    if seconds < 120:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    start = datetime(2001, 1, 1)  # noqa: DTZ001 - only the distance counts
    return timesince(start, start + timedelta(seconds=seconds)).replace("\xa0", " ")


def moment(value: datetime) -> str:
    """A time to the second in the current time zone, which is named."""
    if timezone.is_naive(value):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S %Z")
