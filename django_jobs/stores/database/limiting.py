"""Queues that may not be claimed from freely: so many jobs at once, so many a minute.

A queue without limits never waits for any of this: the claim leaves limited ones out, and which
ones those are is asked once a second at most. The jobs of a limited queue are taken by whoever has
locked its row, one worker process at a time; others come back at their next poll.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from django_jobs.models import Queue
from django_jobs.stores.base import Store
from django_jobs.stores.database.moves import database, jobs, lock

if TYPE_CHECKING:
    from django_jobs.models import JobQuerySet

#: Seconds for which a process goes by what it knows of the limits.
FRESH: Final = 1.0

HAS_LIMIT: Final = Q(max_running__isnull=False) | Q(rate_limit__isnull=False)


class LimitedQueues:
    """Which queues have limits, as far as this process knows.

    It may be wrong for a second and no limit is broken by it: a queue that got a limit is left out
    by the claim itself, one that lost its limit is merely locked without need.
    """

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._asked_at = -FRESH

    def among(self, queues: Iterable[str]) -> list[str]:
        """Those with limits, in one order for all."""
        return sorted(self._names.intersection(queues))

    def look(self) -> None:
        """Ask the database, unless that was just done."""
        if time.monotonic() - self._asked_at < FRESH:
            return
        self._asked_at = time.monotonic()
        names = Queue.objects.using(database()).filter(HAS_LIMIT).values_list("name", flat=True)
        self._names = frozenset(names)

    def forget(self) -> None:
        """Ask again next time."""
        self._asked_at = -FRESH


class Limiting(Store):
    """A store that knows which queues have limits."""

    @cached_property
    def limited(self) -> LimitedQueues:
        """What this process knows of the limits of queues."""
        return LimitedQueues()


def locked_queues(names: Collection[str]) -> list[Queue]:
    """Lock the rows of these queues for this transaction; those that others hold are left out."""
    rows: Any = Queue.objects.using(database()).filter(name__in=names, paused_at__isnull=True)
    found: Any = lock(rows.order_by("name")).annotate(db_now=Now())
    return list(found)


def room(queue: Queue) -> float:
    """How many jobs may be claimed from a queue whose row is locked."""
    rooms = [float("inf")]
    if queue.max_running is not None:
        running: JobQuerySet = jobs().running().for_queue(queue.name)
        # More than the limit need not be counted.
        rooms.append(queue.max_running - running[: queue.max_running].count())
    if queue.rate_limit is not None:
        rooms.append(queue.rate_limit - _started(queue))
    return max(min(rooms), 0)


def count(queue: Queue, claimed: int) -> None:
    """Keep count of a claim from a locked queue.

    Without a rate limit, too: who reads an older snapshot of the database must not lock this row
    as if nothing had happened since.
    """
    if claimed:
        _row(queue).update(window_start=_minute(queue), window_claims=_started(queue) + claimed)


def _started(queue: Queue) -> int:
    return queue.window_claims if queue.window_start == _minute(queue) else 0


def _minute(queue: Queue) -> datetime:
    now: datetime = queue.db_now  # type: ignore[attr-defined]
    return now.replace(second=0, microsecond=0)


def _row(queue: Queue) -> QuerySet[Queue]:
    return Queue.objects.using(database()).filter(name=queue.name)
