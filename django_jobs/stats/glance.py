"""How it stands right now, at a glance: two statements, and no more than some thousand rows of each
kind are counted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections
from django.db.models import CharField, ExpressionWrapper, F, FloatField, Value
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from django_jobs.conf import config
from django_jobs.models import CronJob, Job, Queue, QueueSample, Worker, WorkerState
from django_jobs.states import DELAYED, LIVE, Status
from django_jobs.stats.together import counted, together

#: Jobs of one status that are counted one by one.
COUNT_MAX: Final = 10_000
#: Rows of each kind of trouble that are read.
_ROWS_MAX: Final = 200
#: A sample that is older tells nothing of now.
_SAMPLE_AGE: Final = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Tally:
    """A number of jobs.

    Attributes:
        number: of jobs; the greatest known when there are more than were counted.
        is_exact: whether they were counted one by one.
        is_sampled: whether a service counted them a minute ago, because they are many.
    """

    number: int
    is_exact: bool = True
    is_sampled: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """The jobs of a queue that could run now.

    Attributes:
        number: of jobs.
        wait: how long the first of them has been waiting; ``None`` if nobody knows.
    """

    number: int
    wait: timedelta | None


@dataclass(frozen=True, slots=True)
class Glance:
    """What an operator asks first.

    Attributes:
        tallies: jobs that are live or failed, by status.
        due: by queue.
        paused: queues that are.
        workers: that are meant to run: name → how long ago each gave a sign of life.
        overdue: schedules that should have fired: name → how late they are.
    """

    tallies: dict[str, Tally]
    due: dict[str, Due]
    paused: frozenset[str]
    workers: dict[str, timedelta | None]
    overdue: dict[str, timedelta]

    @property
    def silent(self) -> list[str]:
        """Workers that owe a sign of life: none for longer than a lease."""
        lease = timedelta(seconds=config.LEASE)
        return [name for name, age in self.workers.items() if age is None or age > lease]


def glance() -> Glance:
    """Look at jobs, queues, workers and schedules."""
    circumstances, counts = _circumstances(), _counts()
    return Glance(
        tallies=_tallies(counts, circumstances),
        due=_due(counts, circumstances),
        paused=frozenset(circumstances.paused),
        workers=circumstances.workers,
        overdue=circumstances.overdue,
    )


# Jobs


#: Status and queue → number of jobs and the first due time.
_Counts = dict[tuple[str, str], tuple[int, datetime | None]]


def _counts() -> _Counts:
    rows = counted(
        *(
            part.values_list("kind", "place", "moment")[: COUNT_MAX + 1]
            for part in (
                _part(Job.objects.pending(), "queue", "priority", "scheduled_for", "id"),
                _part(Job.objects.running(), "worker_process"),
                _part(Job.objects.delayed(), "scheduled_for"),
                # SQLite sees that the index will do only if all of its statuses are named.
                _part(Job.objects.finished().failed(), "status", "completed_at"),
            )
        )
    )
    return {(status, queue): (number, moment) for status, queue, number, moment in rows}


def _part(jobs: Any, *index: str) -> Any:
    """Jobs with their columns, in the order of the index that they shall be read from.

    Without an order a database may prefer to read the table until it has found enough.
    """
    if connections[jobs.db].features.supports_partial_indexes:
        jobs = jobs.order_by(*index)
    return jobs.annotate(kind=F("status"), place=F("queue"), moment=F("scheduled_for"))


def _tallies(counts: _Counts, circumstances: _Circumstances) -> dict[str, Tally]:
    numbers: dict[str, int] = defaultdict(int)
    for (status, _), (number, _) in counts.items():
        numbers[status] += number
    are_capped = sum(numbers[status] for status in DELAYED) > COUNT_MAX
    return {
        status: _tally(
            numbers[status],
            are_capped if status in DELAYED else numbers[status] > COUNT_MAX,
            circumstances.sampled.get(status),
        )
        for status in (*sorted(LIVE), Status.FAILED)
    }


def _tally(number: int, is_capped: bool, sampled: int | None) -> Tally:
    if not is_capped:
        return Tally(number)
    if sampled is None:
        return Tally(min(number, COUNT_MAX), is_exact=False)
    return Tally(max(sampled, number), is_exact=False, is_sampled=True)


def _due(counts: _Counts, circumstances: _Circumstances) -> dict[str, Due]:
    pending = {
        queue: (number, moment)
        for (status, queue), (number, moment) in counts.items()
        if status == Status.PENDING
    }
    now = circumstances.now
    due = {
        queue: Due(number, None if moment is None else max(now - moment, timedelta(0)))
        for queue, (number, moment) in pending.items()
    }
    if sum(number for number, _ in pending.values()) <= COUNT_MAX:
        return due
    # Only the first of them were counted: of one queue, perhaps.
    return due | circumstances.due


# Everything else


@dataclass(slots=True)
class _Circumstances:
    now: datetime = field(default_factory=timezone.now)
    workers: dict[str, timedelta | None] = field(default_factory=dict)
    overdue: dict[str, timedelta] = field(default_factory=dict)
    paused: list[str] = field(default_factory=list)
    due: dict[str, Due] = field(default_factory=dict)
    sampled: dict[str, int] = field(default_factory=dict)


def _circumstances() -> _Circumstances:
    found = _Circumstances()
    rows = together(_workers(), _overdue(), _paused(), _samples())
    for kind, name, moment, clock, *numbers in rows:
        found.now = clock
        age = None if moment is None else max(clock - moment, timedelta(0))
        if kind == "worker":
            found.workers[name] = age
        elif kind == "cron":
            found.overdue[name] = age or timedelta(0)
        elif kind == "paused":
            found.paused.append(name)
        elif name not in found.due:
            _take_sample(found, name, age or timedelta(0), numbers)
    return found


def _take_sample(found: _Circumstances, queue: str, age: timedelta, numbers: list[float]) -> None:
    wait, pending, *others = numbers
    # Who waited then has waited on since.
    found.due[queue] = Due(int(pending), None if wait < 0 else timedelta(seconds=wait) + age)
    statuses = (Status.PENDING, Status.RUNNING, Status.SCHEDULED, Status.RETRYING)
    for status, number in zip(statuses, (pending, *others), strict=True):
        found.sampled[status] = found.sampled.get(status, 0) + int(number)


def _rows(rows: Any, kind: str, name: str, moment: str, *numbers: Any) -> Any:
    """Some rows in the columns that all kinds share."""
    zero = Value(0.0, output_field=FloatField())
    numbers = (*numbers, *[zero] * (5 - len(numbers)))
    named = {f"number_{place}": number for place, number in enumerate(numbers)}
    return rows.annotate(
        kind=Value(kind, output_field=CharField()),
        called=F(name),
        moment=F(moment),
        clock=Now(),
        **named,
    ).values_list("kind", "called", "moment", "clock", *named)[:_ROWS_MAX]


def _workers() -> Any:
    """The latest sign of life first: of many dead ones some are left out."""
    meant_to_run = Worker.objects.exclude(state=WorkerState.STOPPED)
    return _rows(
        meant_to_run.order_by(F("last_heartbeat_at").desc(nulls_last=True)),
        "worker",
        "name",
        "last_heartbeat_at",
    )


def _overdue() -> Any:
    """Any worker would have noticed within a sweep."""
    late = Now() - timedelta(seconds=config.LEASE + config.SWEEP_INTERVAL)
    rows = CronJob.objects.filter(enabled=True, next_run_at__lt=late).order_by("next_run_at")
    return _rows(rows, "cron", "name", "next_run_at")


def _paused() -> Any:
    rows = Queue.objects.filter(paused_at__isnull=False).order_by("name")
    return _rows(rows, "paused", "name", "paused_at")


def _samples() -> Any:
    numbers = (
        ExpressionWrapper(F(column) * 1.0, output_field=FloatField())
        for column in ("pending", "running", "scheduled", "retrying")
    )
    wait = Coalesce("oldest_wait", Value(-1.0), output_field=FloatField())
    rows = QueueSample.objects.filter(start__gte=Now() - _SAMPLE_AGE).order_by("-start")
    return _rows(rows, "sample", "queue", "start", wait, *numbers)
