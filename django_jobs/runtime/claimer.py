"""Claims jobs for the free slots of this process."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django_jobs.announcing import announce_start
from django_jobs.conf import config
from django_jobs.registry import registry
from django_jobs.stores import active_store
from django_jobs.stores.records import ClaimRequest, Holder

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.runtime.executor import Executor
    from django_jobs.runtime.inflight import InFlight


class Claimer:
    """One step is ``claim()``: fill the free slots, and say how long to wait for the next."""

    def __init__(
        self,
        queues: Mapping[str, int],
        process: UUID,
        actor: str,
        inflight: InFlight,
        executor: Executor,
    ) -> None:
        self._queues = queues
        self._process = process
        self._actor = actor
        self._inflight = inflight
        self._executor = executor

    def claim(self) -> int:
        """Claim for every free slot of every queue and start the jobs; return how many."""
        limits = self._free_slots()
        if not limits:
            return 0
        holder = Holder(self._actor, self._process, config.LEASE)
        claimed = active_store().claim(ClaimRequest(limits, registry.names(), holder))
        for running in self._inflight.add(claimed):
            announce_start(registry.get(running.job.job_name), running.job)
            self._executor.start(running)
        return len(claimed)

    def _free_slots(self) -> dict[str, int]:
        free = {
            queue: concurrency - self._inflight.busy(queue)
            for queue, concurrency in self._queues.items()
        }
        return {queue: slots for queue, slots in free.items() if slots > 0}


def jittered(seconds: float) -> float:
    """Spread the polls of many processes: 80 to 120 % of ``seconds``."""
    return seconds * random.uniform(0.8, 1.2)
