"""When a schedule runs next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django_jobs.crontab import Crontab
from django_jobs.crontab.zones import zone_named
from django_jobs.exceptions import CronNeverFires
from django_jobs.models import CronJob

#: Coming runs that a page shows.
NEXT_RUNS: Final = 5


def next_runs(row: CronJob) -> list[datetime]:
    """The next times, by the schedule's own clock; fewer if the calendar ends before.

    Raises:
        InvalidCron, InvalidTimezone: the stored expression cannot be read.
    """
    crontab = Crontab.parse(row.cron_expression, row.timezone, row.name)
    zone = zone_named(row.timezone)
    at, times = datetime.now(UTC), []
    try:
        for _ in range(NEXT_RUNS):
            at = crontab.next_after(at)
            times.append(at.astimezone(zone))
    except CronNeverFires:
        pass
    return times
