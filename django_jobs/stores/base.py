"""The interface of a store: where jobs live and the only place that changes their state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from django_jobs.models import Job
    from django_jobs.outcome import Outcome
    from django_jobs.states import Status
    from django_jobs.stores.records import (
        ClaimedJob,
        ClaimRequest,
        Finish,
        Held,
        Holder,
        Moved,
        Report,
        Rescued,
        Until,
    )


class Store(ABC):
    """Keeps jobs. Every verb is one transaction; every write by a holder is fenced by its lease."""

    # Producers

    @abstractmethod
    def enqueue(self, jobs: Sequence[Job]) -> None:
        """Insert new jobs, all or none, in the caller's transaction if there is one.

        Raises:
            DuplicateJob: a live job holds the unique key of one of them.
            EnqueueUnavailable: the database can't be written.
        """

    @abstractmethod
    def adopt(self, buffered: Sequence[Job]) -> list[Job]:
        """Insert jobs of the enqueue buffer under their ids, all or none.

        Those that are here already, in whatever status, are left alone: that is success.

        Returns:
            The rows that are new.

        Raises:
            DuplicateJob: a live job holds the unique key of one of them.
            django.db.Error: they can't be written; bad data in one refuses all.
        """

    # Lease holders

    @abstractmethod
    def claim(self, request: ClaimRequest) -> list[ClaimedJob]:
        """Take due jobs, at most as many per queue as asked for, and start their leases."""

    @abstractmethod
    def claim_job(self, job_id: UUID, holder: Holder) -> ClaimedJob | None:
        """Take this one job if it waits, due or not, unless it expired; else ``None``."""

    @abstractmethod
    def start(self, job: Job, holder: Holder) -> ClaimedJob:
        """Enqueue a job and take it in one transaction, so that no worker can get in between."""

    @abstractmethod
    def finish(self, finishes: Sequence[Finish]) -> list[Outcome | None]:
        """Write the outcomes whose lease still holds.

        Returns:
            What was written for each of them, ``None`` where the lease was lost: a job that was
            asked to cancel is cancelled where its outcome would have put it back.
        """

    @abstractmethod
    def report(self, reports: Sequence[Report]) -> None:
        """Write progress and log lines of running jobs, fenced like a finish."""

    @abstractmethod
    def renew(self, processes: Collection[UUID], lease: float) -> int:
        """Extend every lease of these worker processes to ``lease`` seconds from now.

        Returns:
            How many leases there were.
        """

    @abstractmethod
    def held_by(self, process: UUID) -> list[Held]:
        """The leases that a worker process holds, and which of those jobs were asked to stop."""

    @abstractmethod
    def claimed_by(self, process: UUID, ids: Collection[UUID]) -> list[ClaimedJob]:
        """Those of these jobs that a worker process still holds, as it once claimed them.

        A job whose row is locked by a transaction may be left out.
        """

    @abstractmethod
    def is_cancel_requested(self, job_id: UUID) -> bool:
        """Whether this running job was asked to stop."""

    # Services

    @abstractmethod
    def promote(self, limit: int) -> int:
        """Move delayed jobs whose time has come to pending; return how many."""

    @abstractmethod
    def expire(self, limit: int) -> int:
        """End waiting jobs whose ``expires_at`` has passed; return how many."""

    @abstractmethod
    def rescue(self, limit: int) -> list[Rescued]:
        """Take running jobs from holders whose lease ran out."""

    @abstractmethod
    def rescue_process(self, process: UUID, running: Collection[UUID]) -> list[Rescued]:
        """Take every job from a worker process that is known to be dead.

        Only those in ``running`` count a crash; the others were not being executed.
        """

    @abstractmethod
    def delete_finished(self, status: Status, older_than: float, limit: int) -> int:
        """Delete up to ``limit`` jobs that ended in ``status`` over ``older_than`` seconds ago."""

    @abstractmethod
    def delete_transitions(self, older_than: float, limit: int) -> int:
        """Delete up to ``limit`` transitions and log lines older than ``older_than`` seconds."""

    # Operators

    @abstractmethod
    def retry(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        """Start ended jobs afresh: pending, with their counters at zero."""

    @abstractmethod
    def run_now(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        """Move delayed jobs to pending without waiting for their time."""

    @abstractmethod
    def cancel(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        """End waiting jobs; ask running ones to stop."""

    @abstractmethod
    def discard(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        """Drop waiting jobs and dead letters for good."""

    @abstractmethod
    def pause(self, queue: str, actor: str, reason: str, until: Until | None = None) -> bool:
        """Stop claiming from a queue; return whether that changed anything.

        Args:
            queue: its name.
            actor: who does it.
            reason: why.
            until: when it is resumed, or in how many seconds; without, a queue that is paused
                stays as it is.
        """

    @abstractmethod
    def resume(self, queue: str) -> bool:
        """Claim from a queue again; return whether that changed anything."""

    @abstractmethod
    def resume_due(self, queue: str) -> bool:
        """Claim from a queue again if the time of its pause is over; return whether it was."""

    @abstractmethod
    def limit(self, queue: str, limits: Mapping[str, int | None]) -> dict[str, int | None]:
        """Set ``max_running``, ``rate_limit`` or both; return what they were before."""

    @abstractmethod
    def is_paused(self, queue: str) -> bool:
        """Whether a queue is paused."""

    @abstractmethod
    def count_by_state(self, queue: str | None = None) -> dict[str, int]:
        """Count jobs by status, of one queue or of all."""
