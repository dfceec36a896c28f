"""Merge what finishers counted: rows of one minute into one, old minutes into hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count
from django.db.models.functions import Now

from django_jobs.histogram import merged
from django_jobs.models import JobRollup, Period, QueueSample
from django_jobs.stores.database.moves import database, lock, writing

#: Minutes are kept as such for this long, and samples of queues too; then by the hour.
MINUTES_FOR: Final = timedelta(hours=3)
SAMPLES_FOR: Final = timedelta(hours=25)
#: By then no finisher adds to a minute any more.
_SETTLED: Final = timedelta(minutes=2)
#: Rows of one transaction, and at least one whole minute.
_BATCH: Final = 10_000


def merge_rollups() -> int:
    """Merge until nothing is left to; return 0, for no job is due because of it."""
    _merge_minutes()
    _merge_hours()
    _thin_samples()
    return 0


def _merge_minutes() -> None:
    minutes = _older_than(_SETTLED).filter(period=Period.MINUTE)
    crowded = (
        minutes.values("start", "job_name", "queue", "outcome")
        .annotate(rows=Count("id"))
        .filter(rows__gt=1)
        .order_by("start")
        .values_list("start", flat=True)
    )
    for start in dict.fromkeys(crowded[:_BATCH]):
        _replace(minutes.filter(start=start), Period.MINUTE, start)


def _merge_hours() -> None:
    old = _older_than(MINUTES_FOR).filter(period=Period.MINUTE).order_by("start")
    starts = old.values_list("start", flat=True).distinct()
    for hour in dict.fromkeys(_hour_of(start) for start in starts[:_BATCH]):
        end = hour + timedelta(hours=1)
        _replace(old.filter(start__gte=hour, start__lt=end), Period.HOUR, hour)


def _replace(rows: Any, period: Period, start: datetime) -> None:
    """Put sums in the place of rows. Rows that another worker has locked are its own to merge."""
    with writing():
        found: list[Any] = list(lock(rows.order_by("id"))[:_BATCH])
        rollups = JobRollup.objects.using(database())
        rollups.bulk_create(_sum(alike, period, start) for alike in _alike(found))
        rollups.filter(pk__in=[row.pk for row in found]).delete()


def _alike(rows: Iterable[JobRollup]) -> Iterable[Sequence[JobRollup]]:
    groups: dict[tuple[str, str, str], list[JobRollup]] = defaultdict(list)
    for row in rows:
        groups[row.job_name, row.queue, row.outcome].append(row)
    return groups.values()


def _sum(rows: Sequence[JobRollup], period: Period, start: datetime) -> JobRollup:
    first = rows[0]
    return JobRollup(
        period=period,
        start=start,
        job_name=first.job_name,
        queue=first.queue,
        outcome=first.outcome,
        count=sum(row.count for row in rows),
        run_total=sum(row.run_total for row in rows),
        wait_total=sum(row.wait_total for row in rows),
        run_histogram=merged(row.run_histogram for row in rows),
        wait_histogram=merged(row.wait_histogram for row in rows),
    )


def _thin_samples() -> None:
    """Of old samples one an hour is enough."""
    old = QueueSample.objects.using(database()).filter(start__lt=Now() - SAMPLES_FOR)
    old.exclude(start__minute=0).delete()


def _older_than(age: timedelta) -> Any:
    return JobRollup.objects.using(database()).filter(start__lt=Now() - age)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
