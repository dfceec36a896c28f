"""Statistics of a day that never was: a fresh demo has no history, and charts need one."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from django_jobs.histogram import bucket_of
from django_jobs.models import AuditAction, JobAudit, JobRollup, Period, QueueSample
from testproject.quakes.jobs import (
    find_nearest_airports,
    import_chunk,
    region_report,
    send_alert,
)
from testproject.quakes.stations import ask_station

#: Job, queue, jobs per minute at noon, seconds that one takes, share of failures.
_JOBS: Final = (
    (import_chunk.name, "imports", 3.0, 0.9, 0.002),
    (find_nearest_airports.name, "airports", 6.0, 1.4, 0.01),
    (send_alert.name, "mail", 2.0, 0.3, 0.03),
    (region_report.name, "reports", 4.0, 2.5, 0.02),
    (ask_station.name, "airports", 40.0, 0.2, 0.05),
)
_ACTOR: Final = "demo"
#: Hours ago at which things went wrong, and how much more often jobs failed then.
_BAD_HOURS: Final = {7: 8.0, 6: 4.0}


def make_up(hours: int = 24) -> None:
    """Write the sums, samples and audit entries of the last hours; those of before are replaced."""
    chance = random.Random(7)
    names = [name for name, *_ in _JOBS]
    now = timezone.now().replace(second=0, microsecond=0)
    since = now - timedelta(hours=hours)
    JobRollup.objects.filter(job_name__in=names, start__lt=now - timedelta(minutes=2)).delete()
    JobRollup.objects.bulk_create(_rollups(now, hours, chance))
    QueueSample.objects.filter(start__gte=since, start__lt=now).delete()
    QueueSample.objects.bulk_create(_samples(now, hours, chance), ignore_conflicts=True)
    JobAudit.objects.filter(actor=_ACTOR).delete()
    _events(now)


def _rollups(now: datetime, hours: int, chance: random.Random) -> Iterator[JobRollup]:
    this_hour = now.replace(minute=0)
    for ago in range(1, hours):
        start = this_hour - timedelta(hours=ago)
        yield from _sums(start, Period.HOUR, _BAD_HOURS.get(ago, 1.0), chance)
    for minutes in range(1, now.minute + 1):
        yield from _sums(now - timedelta(minutes=minutes), Period.MINUTE, 1.0, chance)


def _sums(
    start: datetime, period: Period, trouble: float, chance: random.Random
) -> Iterator[JobRollup]:
    for name, queue, pace, seconds, share in _JOBS:
        ended = round(pace * _activity(start) * period / 60 * chance.uniform(0.8, 1.2))
        failed = round(ended * min(share * trouble * chance.uniform(0.5, 1.5), 1.0))
        counts = {"completed": ended - failed, "retrying": failed, "failed": failed // 4}
        for outcome, count in counts.items():
            if count:
                yield _row(start, period, (name, queue, outcome), count, seconds)


def _row(
    start: datetime, period: Period, key: tuple[str, str, str], count: int, seconds: float
) -> JobRollup:
    job_name, queue, outcome = key
    return JobRollup(
        period=period,
        start=start,
        job_name=job_name,
        queue=queue,
        outcome=outcome,
        count=count,
        run_total=count * seconds,
        wait_total=count * 0.05,
        run_histogram=_spread(count, seconds),
        wait_histogram=_spread(count, 0.04),
    )


def _spread(count: int, middle: float) -> dict[str, int]:
    """Durations around a middle: most near it, few that take four times as long."""
    tail = count // 20
    sides = (count - tail) // 4
    parts = {middle / 1.5: sides, middle * 1.5: sides, middle * 4: tail}
    parts[middle] = count - sum(parts.values())
    return {str(bucket_of(seconds)): number for seconds, number in parts.items() if number}


def _samples(now: datetime, hours: int, chance: random.Random) -> Iterator[QueueSample]:
    full = now.replace(minute=now.minute // 5 * 5)
    for minutes in range(5, hours * 60, 5):
        start = full - timedelta(minutes=minutes)
        crowd = 10.0 if minutes // 60 in _BAD_HOURS else 1.0
        for queue in {queue for _, queue, *_ in _JOBS}:
            pending = round(12 * _activity(start) * crowd * chance.uniform(0.2, 1.5))
            yield QueueSample(
                start=start,
                queue=queue,
                pending=pending,
                running=round(2 * chance.uniform(0.3, 1.2)),
                retrying=round(crowd * chance.uniform(0, 3)),
                scheduled=round(8 * chance.uniform(0.5, 1.0)),
                oldest_wait=pending / 4 or None,
            )


def _events(now: datetime) -> None:
    happened = [
        (AuditAction.DEPLOY, "2026.11.3", 7.4, ""),
        (AuditAction.PAUSE, "mail", 6.9, "the mail server refuses everything"),
        (AuditAction.DEPLOY, "2026.11.4", 5.6, ""),
        (AuditAction.RESUME, "mail", 5.5, ""),
    ]
    for action, target, hours, reason in happened:
        entry = JobAudit.objects.create(action=action, target=target, reason=reason, actor=_ACTOR)
        JobAudit.objects.filter(pk=entry.pk).update(at=now - timedelta(hours=hours))


def _activity(moment: datetime) -> float:
    """More by day than by night, 0.2 to 1."""
    return 0.6 - 0.4 * math.cos((moment.hour + moment.minute / 60) / 24 * 2 * math.pi)
