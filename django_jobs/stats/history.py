"""How it went over time, from the sums by minute and hour. No job is read."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Max, QuerySet, Sum, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from django_jobs.histogram import merged, percentile
from django_jobs.models import JobRollup, QueueSample
from django_jobs.states import Status

#: How far back :func:`queue_rates` looks.
RATE_WINDOW: Final = timedelta(minutes=5)
_FAILURES: Final = (Status.FAILED, Status.RETRYING)


@dataclass(frozen=True, slots=True)
class JobTimes:
    """How one job did.

    Attributes:
        job_name: registered name.
        ended: attempts that ended.
        failed: those that raised or crashed for good, retried ones included.
        mean_run: mean seconds of an attempt; ``None`` if none is known.
        run_p50, run_p95: seconds that half of the attempts, 95 % of them, did not exceed.
        wait_p50, wait_p95: the same from due to started.
        busy: seconds that all attempts took together.
    """

    job_name: str
    ended: int
    failed: int
    mean_run: float | None
    run_p50: float | None
    run_p95: float | None
    wait_p50: float | None
    wait_p95: float | None
    busy: float


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """Live jobs at one time, of one queue or of all.

    Attributes:
        start: the minute or hour.
        pending, running, scheduled, retrying: numbers of jobs.
        oldest_wait: seconds that the longest waiting due job had waited; ``None``: none waited.
    """

    start: datetime
    pending: float
    running: float
    scheduled: float
    retrying: float
    oldest_wait: float | None


@dataclass(frozen=True, slots=True)
class QueueRate:
    """Jobs per minute of a queue over the last minutes.

    Attributes:
        incoming: that came in, as ended ones and the change of depth tell.
        outgoing: that ended.
    """

    incoming: float
    outgoing: float


def ended_totals(
    since: datetime, *, queue: str | None = None, job_name: str | None = None
) -> dict[str, int]:
    """How many attempts ended since then, by outcome."""
    rows = _rollups(since, queue, job_name).values_list("outcome").annotate(total=Sum("count"))
    return dict(rows)


def ended_over_time(
    since: datetime, step: timedelta, *, queue: str | None = None, job_name: str | None = None
) -> dict[datetime, dict[str, int]]:
    """How many attempts ended in each step of time, by outcome; steps without any are left out.

    Args:
        since: from when on; steps begin at multiples of ``step`` since midnight UTC.
        step: an hour, or minutes that make up an hour; minutes are known for three hours.
        queue: only this one; all when omitted.
        job_name: only this one; all when omitted.
    """
    rows = _rollups(since, queue, job_name).values_list("start", "outcome").annotate(n=Sum("count"))
    found: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for start, outcome, count in rows:
        found[_floor(start, step)][outcome] += count
    return {start: dict(found[start]) for start in sorted(found)}


def job_times(
    since: datetime, *, job_names: Collection[str] | None = None, queue: str | None = None
) -> list[JobTimes]:
    """How each job did since then, by name."""
    rows = _rollups(since, queue, None)
    if job_names is not None:
        rows = rows.filter(job_name__in=job_names)
    by_name: dict[str, list[Any]] = defaultdict(list)
    # As texts: decoded one by one, thousands of histograms would take longer than the page.
    texts = {
        "runs": Cast("run_histogram", TextField()),
        "waits": Cast("wait_histogram", TextField()),
    }
    columns = ("job_name", "outcome", "count", "run_total", *texts)
    for job_name, *row in rows.annotate(**texts).values_list(*columns):
        by_name[job_name].append(row)
    return [_times(name, by_name[name]) for name in sorted(by_name)]


def _times(job_name: str, rows: list[Any]) -> JobTimes:
    runs, waits = (_merged(row[place] for row in rows) for place in (3, 4))
    busy = sum(row[2] for row in rows)
    timed = sum(runs.values())
    return JobTimes(
        job_name=job_name,
        ended=sum(row[1] for row in rows),
        failed=sum(row[1] for row in rows if row[0] in _FAILURES),
        mean_run=busy / timed if timed else None,
        run_p50=percentile(runs, 0.5),
        run_p95=percentile(runs, 0.95),
        wait_p50=percentile(waits, 0.5),
        wait_p95=percentile(waits, 0.95),
        busy=busy,
    )


def _merged(texts: Iterable[str]) -> dict[str, int]:
    """The sum of histograms that are JSON."""
    return merged(json.loads(f"[{','.join(texts)}]"))


def depth_history(
    since: datetime, step: timedelta, *, queue: str | None = None
) -> list[DepthPoint]:
    """The mean depth in each step of time, by time; of all queues together when none is named."""
    samples = QueueSample.objects.filter(start__gte=since)
    if queue is not None:
        samples = samples.filter(queue=queue)
    counts = ("pending", "running", "scheduled", "retrying")
    minutes = samples.values_list("start").annotate(
        *(Sum(name) for name in counts), Max("oldest_wait")
    )
    steps: dict[datetime, list[Any]] = defaultdict(list)
    for start, *values in minutes:
        steps[_floor(start, step)].append(values)
    return [_point(start, steps[start]) for start in sorted(steps)]


def _point(start: datetime, minutes: list[Any]) -> DepthPoint:
    *counts, waits = zip(*minutes, strict=True)
    pending, running, scheduled, retrying = (sum(values) / len(values) for values in counts)
    wait = max((one for one in waits if one is not None), default=None)
    return DepthPoint(start, pending, running, scheduled, retrying, wait)


def queue_rates() -> dict[str, QueueRate]:
    """Jobs per minute that came into and left each queue over the last few minutes."""
    since = timezone.now() - RATE_WINDOW
    ended: Mapping[str, int] = dict(
        _rollups(since, None, None)
        .exclude(outcome__in=[Status.RETRYING, Status.SCHEDULED])
        .values_list("queue")
        .annotate(n=Sum("count"))
    )
    depths: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    samples = QueueSample.objects.filter(start__gte=since).order_by("start")
    for queue, start, *counts in samples.values_list(
        "queue", "start", "pending", "running", "scheduled", "retrying"
    ):
        depths[queue].append((start, sum(counts)))
    minutes = RATE_WINDOW / timedelta(minutes=1)
    return {
        queue: QueueRate(
            incoming=max(ended.get(queue, 0) / minutes + _growth(depths[queue]), 0.0),
            outgoing=ended.get(queue, 0) / minutes,
        )
        for queue in {*ended, *depths}
    }


def _growth(depths: list[tuple[datetime, int]]) -> float:
    """Jobs per minute by which a queue grows."""
    if len(depths) < 2:
        return 0.0
    (began, before), (ended, after) = depths[0], depths[-1]
    return (after - before) / ((ended - began) / timedelta(minutes=1))


def _rollups(since: datetime, queue: str | None, job_name: str | None) -> QuerySet[JobRollup]:
    rows = JobRollup.objects.filter(start__gte=since)
    if queue is not None:
        rows = rows.filter(queue=queue)
    return rows if job_name is None else rows.filter(job_name=job_name)


def _floor(moment: datetime, step: timedelta) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // step * step
