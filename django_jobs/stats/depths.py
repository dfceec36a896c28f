"""How full the queues are, at a price that does not grow with them.

Few live jobs are counted one by one. Of many, pages take the figures of the latest sample, which a
worker counted within the last minute or so, and say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, Self

from django.db.models import Q
from django.utils import timezone

from django_jobs.models import Job, QueueSample
from django_jobs.models.in_status import InStatus
from django_jobs.states import DELAYED, Status
from django_jobs.stats.together import counted

#: Jobs of one kind (pending, running, delayed) that are counted one by one.
COUNTED_MAX: Final = 2_000
#: How long the line of a queue's depth is, and how far apart its points are.
HISTORY: Final = timedelta(hours=24)
STEP: Final = timedelta(minutes=30)
#: Samples older than this are history.
RECENT: Final = timedelta(minutes=5)

_STATUSES: Final = (Status.PENDING, Status.RUNNING, Status.SCHEDULED, Status.RETRYING)


class Count(int):
    """A number of jobs that knows how good it is."""

    #: From a sample: there may be more or fewer by now.
    is_about: bool
    #: There are this many, or more.
    is_least: bool

    def __new__(cls, value: int, *, is_about: bool = False, is_least: bool = False) -> Self:
        """Make one; exact unless said otherwise."""
        count = super().__new__(cls, value)
        count.is_about = is_about
        count.is_least = is_least
        return count


_NONE: Final = Count(0)


@dataclass(slots=True)
class QueueNow:
    """A queue at this moment.

    Attributes:
        name: of the queue.
        pending, running, scheduled, retrying: numbers of jobs, which may be estimates.
        longest_wait: how long the pending job that is due longest waits; ``None``: none does.
        sampled_at: of when the estimates are.
        history: pending jobs of the last day, one number each half hour; ``None``: not known.
    """

    name: str
    pending: Count = _NONE
    running: Count = _NONE
    scheduled: Count = _NONE
    retrying: Count = _NONE
    longest_wait: timedelta | None = None
    sampled_at: datetime | None = None
    history: list[int | None] = field(default_factory=list)

    @property
    def is_estimated(self) -> bool:
        """Whether one of the numbers is from a sample."""
        return any(getattr(self, status).is_about for status in _STATUSES)


def queues_now(names: Iterable[str] = ()) -> dict[str, QueueNow]:
    """The queues that have live jobs, had some in the last day, or are named.

    Four queries, none of which reads more than a few thousand rows of an index.
    """
    samples = _Samples()
    kinds = _count()
    found = {*names, *samples.by_queue, *(name for kind in kinds for name in kind.queues)}
    return {name: _now(name, kinds, samples) for name in sorted(found)}


#: Statuses that are counted together, in the order of the index that lists them.
_KINDS: Final = (
    ((Status.PENDING,), Q(status=Status.PENDING), ("queue", "priority", "scheduled_for", "id")),
    ((Status.RUNNING,), Q(status=Status.RUNNING), ("worker_process",)),
    ((Status.SCHEDULED, Status.RETRYING), Q(InStatus(DELAYED)), ("scheduled_for",)),
)


@dataclass(slots=True)
class _Counted:
    """The live jobs of some statuses, up to a number, by queue and status."""

    statuses: Sequence[Status]
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    oldest: dict[str, datetime] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return sum(self.numbers.values()) <= COUNTED_MAX

    @property
    def queues(self) -> set[str]:
        return {queue for queue, _ in self.numbers}


def _count() -> list[_Counted]:
    """All kinds, in one query."""
    kinds = [_Counted(statuses) for statuses, *_ in _KINDS]
    by_status = {status: kind for kind in kinds for status in kind.statuses}
    parts = (Job.objects.filter(condition).order_by(*order) for _, condition, order in _KINDS)
    columns = ("queue", "status", "scheduled_for")
    for queue, status, number, due in counted(
        *(part.values_list(*columns)[: COUNTED_MAX + 1] for part in parts)
    ):
        kind = by_status[status]
        kind.numbers[queue, status] = number
        kind.oldest[queue] = min(due, kind.oldest.get(queue, due))
    return kinds


class _Samples:
    """The latest sample of each queue, and those of the last day that lie on a half hour."""

    def __init__(self) -> None:
        now = timezone.now()
        self.marks = _marks(now)
        self.by_queue: dict[str, dict[datetime, Any]] = defaultdict(dict)
        wanted = Q(start__in=self.marks) | Q(start__gte=now - RECENT)
        for sample in QueueSample.objects.filter(wanted).order_by("start"):
            self.by_queue[sample.queue][sample.start] = sample

    def latest(self, queue: str) -> QueueSample | None:
        samples = list(self.by_queue.get(queue, {}).values())
        return samples[-1] if samples else None

    def history(self, queue: str) -> list[int | None]:
        """Nothing is known of half hours in which no queue was counted; else nothing waited."""
        mine = self.by_queue.get(queue, {})
        return [
            mine[mark].pending if mark in mine else 0 if mark in self._known else None
            for mark in self.marks
        ]

    @cached_property
    def _known(self) -> set[datetime]:
        return {start for samples in self.by_queue.values() for start in samples}


def _marks(now: datetime) -> list[datetime]:
    last = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    return [last - number * STEP for number in range(HISTORY // STEP, -1, -1)]


def _now(name: str, kinds: Sequence[_Counted], samples: _Samples) -> QueueNow:
    queue = QueueNow(name, history=samples.history(name))
    sample = samples.latest(name)
    for kind in kinds:
        for status in kind.statuses:
            number = kind.numbers.get((name, status), 0)
            if kind.is_complete:
                count = Count(number)
            elif sample is not None:
                count = Count(max(getattr(sample, status), number), is_about=True)
            else:
                count = Count(number, is_least=True)
            setattr(queue, status, count)
    if sample is not None and queue.is_estimated:
        queue.sampled_at = sample.start
    queue.longest_wait = _longest_wait(name, kinds[0], sample)
    return queue


def _longest_wait(name: str, pending: _Counted, sample: QueueSample | None) -> timedelta | None:
    waits = []
    if (since := pending.oldest.get(name)) is not None:
        waits.append(timezone.now() - since)
    if not pending.is_complete and sample is not None and sample.oldest_wait is not None:
        waits.append(timedelta(seconds=sample.oldest_wait))
    return max([*waits, timedelta()]) if waits else None
