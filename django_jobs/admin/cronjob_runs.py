"""When a schedule runs next, and what operators do to schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from django.db.models.functions import Now

from django_jobs.crontab import Crontab
from django_jobs.crontab.zones import zone_named
from django_jobs.exceptions import CronNeverFires
from django_jobs.models import CronJob

if TYPE_CHECKING:
    from django.db.models import QuerySet

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


def switch(rows: QuerySet[CronJob], *, enabled: bool) -> list[CronJob]:
    """Switch schedules on or off; return those that were not so before."""
    changed = list(rows.filter(enabled=not enabled))
    # Switched on again, a schedule must not make up for the time it was off.
    CronJob.objects.filter(pk__in=[row.pk for row in changed]).update(
        enabled=enabled, next_run_at=None, updated_at=Now()
    )
    return changed
