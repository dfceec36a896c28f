"""The jobs that this process holds a lease of, from claim to accepted finish."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django_jobs.conf import config
from django_jobs.execution import Attempt
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.reporting import Reporter

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.definitions import JobDefinition
    from django_jobs.stores.records import ClaimedJob


#: What becomes of a job that could not start in time, or was cancelled before it could.
TOO_LATE: Final = Attempt(Outcome.release("not started in time"), 0.0)


@dataclass(slots=True)
class Running:
    """A claimed job, its definition, and what it reports."""

    job: ClaimedJob
    definition: JobDefinition[Any, Any]
    reporter: Reporter
    claimed_at: float

    def came_too_late(self) -> bool:
        """Whether the process stood still so long after the claim that the lease may be gone."""
        return time.monotonic() - self.claimed_at > config.LEASE


class InFlight:
    """Thread-safe. What is in here is renewed by the parent and written by the finisher."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[UUID, Running] = {}
        #: Held from taking reports until they are written, and while outcomes are written: a
        #: report that arrives after the job's end would be refused, and its log lines lost.
        self.written_in_order = threading.Lock()
        #: Whether a claim is on its way: its leases are in the database, but not here yet.
        self.is_claiming = False

    def add(self, jobs: Iterable[ClaimedJob], asked_at: float) -> list[Running]:
        """Take note of jobs whose claim was sent at ``asked_at``: their leases began after it."""
        added = [Running(job, registry.get(job.job_name), Reporter(job), asked_at) for job in jobs]
        with self._lock:
            self._held.update((running.job.id, running) for running in added)
        return added

    def settle(self, jobs: Iterable[ClaimedJob]) -> None:
        """The leases have ended, one way or the other."""
        with self._lock:
            for job in jobs:
                held = self._held.pop(job.id, None)
                if held is not None and held.job.lease != job.lease:
                    self._held[job.id] = held  # here again already, under a newer lease

    def all(self) -> list[Running]:
        """Every held job."""
        with self._lock:
            return list(self._held.values())

    def get(self, job_id: UUID) -> Running | None:
        """A held job by id."""
        return self._held.get(job_id)

    def __len__(self) -> int:
        return len(self._held)
