"""Claims jobs for the slots of this process: a little ahead when they are short."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.db import Error

from django_jobs import failpoints
from django_jobs.announcing import announce_start
from django_jobs.conf import config
from django_jobs.registry import registry
from django_jobs.runtime.connections import tidy_connections
from django_jobs.runtime.foresight import Foresight
from django_jobs.runtime.patience import Patience
from django_jobs.runtime.units import unit_of_work
from django_jobs.stores import active_store
from django_jobs.stores.records import ClaimRequest, Holder

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.runtime.finisher import Finisher
    from django_jobs.runtime.inflight import InFlight, Running
    from django_jobs.runtime.pool import QueuePool

logger = logging.getLogger("django_jobs")

#: Jobs that wait longer than this, in seconds, for a slot are handed back for others.
LONGEST_WAIT: Final = 1.0


class Claimer:
    """One step is ``claim()``.

    Attributes:
        patience: with the database, when it is away.
    """

    def __init__(
        self,
        pools: Mapping[str, QueuePool],
        process: UUID,
        actor: str,
        inflight: InFlight,
        finisher: Finisher,
    ) -> None:
        self._pools = pools
        self._foresight = {queue: Foresight(pool) for queue, pool in pools.items()}
        self._process = process
        self._actor = actor
        self._inflight = inflight
        self._finisher = finisher
        self.patience = Patience("Claiming")

    def claim(self) -> int | None:
        """Claim for every queue that has room and start the jobs.

        A database that does not answer is a reason to wait, never to die.

        Returns:
            How many; ``None`` if there was no room to ask for, or no answer.
        """
        if self.patience.seconds_left:
            return None
        tidy_connections()
        try:
            claimed = self._claim()
        except Error as error:
            self.patience.failed(error)
            return None
        if claimed is not None:
            self.patience.worked()
        return claimed

    def _claim(self) -> int | None:
        if self._finisher.is_behind():
            return None  # what ended but is not written would run again after a crash
        rooms = {queue: foresight.room() for queue, foresight in self._foresight.items()}
        limits = self._within_max_jobs({q: room for q, room in rooms.items() if room > 0})
        if not limits:
            return None
        holder = Holder(self._actor, self._process, config.LEASE)
        self._inflight.is_claiming = True
        # Not when the reply is here: a process that is frozen in between would start what is lost.
        asked_at = time.monotonic()
        try:
            with unit_of_work():
                claimed = active_store().claim(ClaimRequest(limits, registry.names(), holder))
            _tell_of_surplus(len(claimed), sum(limits.values()))
            if claimed:
                failpoints.reach("claim.committed")
            added = self._inflight.add(claimed, asked_at)
        finally:
            self._inflight.is_claiming = False
        by_queue: dict[str, list[Running]] = defaultdict(list)
        for running in added:
            announce_start(running.definition, running.job)
            by_queue[running.job.queue].append(running)
        for queue, asked in limits.items():
            self._foresight[queue].claimed(asked, len(by_queue[queue]))
            if by_queue[queue]:
                self._pools[queue].add(by_queue[queue])
        return len(claimed)

    def _within_max_jobs(self, rooms: dict[str, int]) -> dict[str, int]:
        """No more than this process may still run before another one takes its place."""
        if config.MAX_JOBS is None:
            return rooms
        left = config.MAX_JOBS - self._finisher.ended - len(self._inflight)
        limits: dict[str, int] = {}
        # In any order: always the same queue first would starve the others.
        for queue in random.sample(list(rooms), len(rooms)):
            limits[queue] = max(min(rooms[queue], left), 0)
            left -= limits[queue]
        return {queue: limit for queue, limit in limits.items() if limit}

    def late(self, older_than: float = LONGEST_WAIT) -> list[Running]:
        """Take back the jobs that have waited for a slot too long."""
        late: list[Running] = []
        for queue, pool in self._pools.items():
            if taken := pool.take_back(older_than):
                self._foresight[queue].handed_back()
                late += taken
        return late


def _tell_of_surplus(taken: int, asked: int) -> None:
    """PostgreSQL may ignore the LIMIT of a locking SELECT; ours are written so that it does not.

    Should it ever, the leases are ours already: what finds no slot is handed back.
    """
    if taken > asked:
        logger.critical("A claim took %d jobs, though only %d were asked for", taken, asked)


def jittered(seconds: float) -> float:
    """Spread the polls of many processes: 80 to 120 % of ``seconds``."""
    return seconds * random.uniform(0.8, 1.2)
