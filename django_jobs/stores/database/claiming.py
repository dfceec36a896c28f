"""Taking jobs and keeping their leases alive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, models, transaction
from django.db.models import Exists, F, Q
from django.db.models.functions import Now

from django_jobs import failpoints
from django_jobs.chains import narrow
from django_jobs.exceptions import InvalidSchedule
from django_jobs.models import Queue
from django_jobs.states import WAITING, Actor, Status
from django_jobs.stores.database.enqueueing import clear_errors
from django_jobs.stores.database.limiting import (
    HAS_LIMIT,
    Limiting,
    count,
    locked_queues,
    room,
)
from django_jobs.stores.database.moves import (
    CHUNK,
    Among,
    Row,
    database,
    jobs,
    lock,
    move,
    seconds_from_now,
    writing,
)
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.records import ClaimedJob, ClaimRequest, Held, Holder

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.models import Job, JobQuerySet

_COLUMNS: Final = (
    "id",
    "status",
    "lease",
    "attempt_count",
    "job_name",
    "queue",
    "params",
    "failure_count",
    "max_attempts",
    "timeout",
    "correlation_id",
    "crash_count",
)

#: How long a job has been due.
_WAITED: Final = models.ExpressionWrapper(
    Now() - F("scheduled_for"), output_field=models.DurationField()
)


class Claiming(Limiting):
    """Verbs that take a lease or extend it."""

    def claim(self, request: ClaimRequest) -> list[ClaimedJob]:
        if self.limited.among(request.limits):
            self.limited.look()  # a queue whose row is gone would never be served again
        limited = self.limited.among(request.limits)
        free = {name: most for name, most in request.limits.items() if name not in limited}
        claimed = self._claim_free(replace(request, limits=free)) if free else []
        if not {job.queue for job in claimed}.issuperset(free):
            # Some gave nothing: because they are empty, or because they have a limit by now.
            self.limited.look()
            limited = self.limited.among(request.limits)
        return claimed + self._claim_limited(request, limited) if limited else claimed

    @retried
    def _claim_free(self, request: ClaimRequest) -> list[ClaimedJob]:
        """Take jobs from queues, unless they have a limit."""
        due = [
            _claimable(queue, request, HAS_LIMIT)[:limit] for queue, limit in request.limits.items()
        ]
        if not self._may_be_worth_it(due):
            return []
        with writing():
            claimed: list[ClaimedJob] = []
            for queryset in due:
                # Lock first, update by literal ids after: PostgreSQL may ignore the LIMIT of
                # a locking SELECT inside IN (...).
                claimed += _take(_lock_for_claim(queryset), request.holder)
            if claimed:
                failpoints.reach("claim.taken")
        return claimed

    @retried
    def _claim_limited(self, request: ClaimRequest, names: Sequence[str]) -> list[ClaimedJob]:
        """Take jobs from queues, one locked row after the other, as their limits allow."""
        due = {name: _claimable(name, request) for name in names}
        if not self._may_be_worth_it([queryset[:1] for queryset in due.values()]):
            return []
        claimed: list[ClaimedJob] = []
        with writing():
            for queue in locked_queues(names):
                most = int(min(room(queue), request.limits[queue.name]))
                if most > 0:
                    taken = _take(_lock_for_claim(due[queue.name][:most]), request.holder)
                    count(queue, len(taken))
                    claimed += taken
        return claimed

    def _may_be_worth_it(self, due: Sequence[JobQuerySet]) -> bool:
        """On SQLite look before asking for the one write lock of the whole database."""
        if connections[database()].vendor != "sqlite":
            return True
        return any(queryset.exists() for queryset in due)

    @retried
    def claim_job(self, job_id: UUID, holder: Holder) -> ClaimedJob | None:
        with writing():
            found = _lock_for_claim(_unexpired(jobs().filter(id=job_id, status__in=WAITING)))
            delayed = [_row(job) for job in found if job["status"] != Status.PENDING]
            move(delayed, Status.PENDING, Actor.OPERATOR, actor=holder.name, reason="run by id")
            for job in found:
                job["status"] = Status.PENDING
            claimed = _take(found, holder)
        return claimed[0] if claimed else None

    def start(self, job: Job, holder: Holder) -> ClaimedJob:
        with clear_errors(), writing(savepoint=True):
            self.enqueue([job])
            claimed = self.claim_job(job.id, holder)
            if claimed is None:
                raise InvalidSchedule("expires_at: has passed before the job could start.")
        return claimed

    @retried
    def renew(self, processes: Collection[UUID], lease: float) -> int:
        # A row carries the id of a process only while that process holds its lease: the id is
        # new at every start, set by the claim, and cleared by whatever ends the lease.
        held = jobs().running().filter(worker_process__in=processes)
        with writing():
            # One row that somebody has locked must not keep the other leases from being renewed.
            ids = list(lock(held.order_by("id")).values_list("id", flat=True))
            for start in range(0, len(ids), CHUNK):
                chunk = held.filter(Among(ids[start : start + CHUNK], [Status.RUNNING]))
                chunk.update(worker_expires_at=seconds_from_now(lease))
        return len(ids)

    def held_by(self, process: UUID) -> list[Held]:
        held = jobs().running().filter(worker_process=process)
        return [
            Held(job_id, lease, asked is not None)
            for job_id, lease, asked in held.values_list("id", "lease", "cancel_requested_at")
        ]

    def claimed_by(self, process: UUID, ids: Collection[UUID]) -> list[ClaimedJob]:
        held = jobs().filter(Among(list(ids), [Status.RUNNING]), worker_process=process)
        with transaction.atomic(using=database()):
            # Not those that a transaction has locked: whoever wants to end them would wait for it.
            found = list(lock(held).values(*_COLUMNS))
        return [_claimed(job, job["lease"], job["attempt_count"], Actor.WORKER) for job in found]

    def is_cancel_requested(self, job_id: UUID) -> bool:
        return jobs().running().filter(id=job_id, cancel_requested_at__isnull=False).exists()


def _claimable(queue: str, request: ClaimRequest, unless: Q | None = None) -> JobQuerySet:
    closed = Q(paused_at__isnull=False)
    held_back = Queue.objects.filter(closed if unless is None else closed | unless, name=queue)
    due = jobs().pending().for_queue(queue)
    due = due.filter(~Exists(held_back), job_name__in=request.job_names)
    return narrow(_unexpired(due)).in_claim_order()


def _unexpired(queryset: JobQuerySet) -> JobQuerySet:
    return queryset.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=Now()))


def _lock_for_claim(queryset: JobQuerySet) -> list[dict[str, Any]]:
    found = list(lock(queryset).values(*_COLUMNS, waited=_WAITED))
    if found:
        failpoints.reach("claim.locked")
    return found


def _row(job: dict[str, Any]) -> Row:
    return Row(job["id"], job["status"], job["lease"], job["attempt_count"])


def _take(found: Sequence[dict[str, Any]], holder: Holder) -> list[ClaimedJob]:
    move(
        # The transition names the attempt and lease that begin here.
        [
            Row(job["id"], job["status"], job["lease"] + 1, job["attempt_count"] + 1)
            for job in found
        ],
        Status.RUNNING,
        Actor.WORKER,
        actor=holder.name,
        changes=_lease_of(holder),
    )
    return [_claimed(job, job["lease"] + 1, job["attempt_count"] + 1, holder.name) for job in found]


def _claimed(job: dict[str, Any], lease: int, attempt: int, actor: str) -> ClaimedJob:
    return ClaimedJob(
        id=job["id"],
        job_name=job["job_name"],
        queue=job["queue"],
        params=job["params"],
        lease=lease,
        attempt=attempt,
        failure_count=job["failure_count"],
        max_attempts=job["max_attempts"],
        timeout=job["timeout"],
        correlation_id=job["correlation_id"],
        crash_count=job["crash_count"],
        actor=actor,
        waited=max(job["waited"].total_seconds(), 0.0) if "waited" in job else 0.0,
    )


def _lease_of(holder: Holder) -> dict[str, models.Expression | UUID | int | str | None]:
    return {
        "lease": F("lease") + 1,
        "attempt_count": F("attempt_count") + 1,
        "worker_process": holder.process,
        "worker_started_at": Now(),
        "worker_expires_at": seconds_from_now(holder.lease),
        "progress": 0,
        "progress_message": "",
    }
