"""Verbs of the periodic services. Several workers may run them at once: rows are skip-locked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db.models import F
from django.db.models.functions import Now

from django_jobs.backoff import delay_after_crash
from django_jobs.conf import config
from django_jobs.fingerprints import PROCESS_DIED, Signature, signature
from django_jobs.outcome import CRASH_LIMIT_REASON
from django_jobs.states import Actor, Status
from django_jobs.stores.base import Store
from django_jobs.stores.database.moves import (
    Row,
    jobs,
    lock,
    locked_rows,
    move,
    seconds_from_now,
    writing,
)
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.records import Rescued

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.models import Job, JobQuerySet

_CALLER_LOST_REASON: Final = "caller_lost"
_RESCUED_REASON: Final = "worker_lost"
_UNSTARTED_REASON: Final = "worker_lost before or after the job ran"


class Sweeping(Store):
    """Promote, expire, rescue."""

    @retried
    def promote(self, limit: int) -> int:
        due = jobs().delayed().filter(scheduled_for__lte=Now()).order_by("scheduled_for")
        if not due.exists():
            return 0
        with writing():
            rows = locked_rows(due[:limit])
            move(rows, Status.PENDING, Actor.PROMOTER, actor=Actor.PROMOTER)
        return len(rows)

    @retried
    def expire(self, limit: int) -> int:
        late = jobs().waiting().filter(expires_at__lte=Now()).order_by("expires_at")
        if not late.exists():
            return 0
        with writing():
            rows = locked_rows(late[:limit])
            move(rows, Status.EXPIRED, Actor.PROMOTER, actor=Actor.PROMOTER, reason="expires_at")
        return len(rows)

    def rescue(self, limit: int) -> list[Rescued]:
        return _rescue(jobs().stuck().order_by("worker_expires_at")[:limit])

    def rescue_process(self, process: UUID, running: Collection[UUID]) -> list[Rescued]:
        lost = jobs().running().filter(worker_process=process)
        rescued = _rescue(lost.filter(id__in=running))
        # Those that were asked to stop must not come back: pending would forget the request.
        rescued += _rescue(lost.filter(cancel_requested_at__isnull=False))
        _hand_back(lost)
        return rescued


@retried
def _hand_back(lost: JobQuerySet) -> None:
    with writing():
        rows = locked_rows(lost)
        move(rows, Status.PENDING, Actor.WORKER, actor=Actor.RESCUER, reason=_UNSTARTED_REASON)


@retried
def _rescue(lost: JobQuerySet) -> list[Rescued]:
    if not lost.exists():
        return []
    rescued: list[Rescued] = []
    groups: dict[tuple[Status, str, float, Signature | None], list[Row]] = defaultdict(list)
    with writing():
        for job in lock(lost).only(*_NEEDED):
            status, reason = _fate(job)
            signed = _signature(job, status, reason)
            groups[status, reason, _delay(job), signed].append(
                Row(job.id, job.status, job.lease, job.attempt_count)
            )
            rescued.append(_rescued(job, status, reason, signed))
        for (status, reason, delay, signed), rows in groups.items():
            _take_away(rows, status, reason, delay, signed)
    return rescued


def _rescued(job: Job, status: Status, reason: str, signed: Signature | None) -> Rescued:
    return Rescued(
        job.id,
        job.job_name,
        job.queue,
        status,
        job.crash_count + 1,
        attempt=job.attempt_count,
        reason=reason,
        error=_EXPLANATIONS[reason],
        signature=signed,
    )


def _signature(job: Job, status: Status, reason: str) -> Signature | None:
    """Of a job that gives up. One that runs again need not be to blame: its host may have died."""
    if status != Status.FAILED:
        return None
    return signature(job.job_name, PROCESS_DIED if reason == CRASH_LIMIT_REASON else reason)


def _delay(job: Job) -> float:
    return delay_after_crash(job.crash_count + 1, base=config.BACKOFF_BASE)


def _take_away(
    rows: Sequence[Row], status: Status, reason: str, delay: float, signed: Signature | None
) -> None:
    changes: dict[str, Any] = {
        "crash_count": F("crash_count") + 1,
        "error": _EXPLANATIONS[reason],
    }
    if signed is not None:
        changes["fingerprint"] = signed.fingerprint
    if status == Status.RETRYING:
        changes["scheduled_for"] = seconds_from_now(delay)
    move(
        rows,
        status,
        Actor.RESCUER,
        actor=Actor.RESCUER,
        reason=reason,
        error=_EXPLANATIONS[reason],
        changes=changes,
    )


_NEEDED: Final = (
    "id",
    "status",
    "lease",
    "attempt_count",
    "job_name",
    "queue",
    "worker_process",
    "cancel_requested_at",
    "crash_count",
)

_CANCEL_REASON: Final = "cancel requested"

_EXPLANATIONS: Final = {
    _RESCUED_REASON: "The worker process was lost; the job runs again.",
    CRASH_LIMIT_REASON: "The worker process was lost too often while it ran this job.",
    _CALLER_LOST_REASON: "The process that ran this job with now() was lost.",
    _CANCEL_REASON: "The worker process was lost after the job was asked to cancel.",
}


def _fate(job: Job) -> tuple[Status, str]:
    if job.cancel_requested_at is not None:
        return Status.CANCELLED, _CANCEL_REASON
    if job.worker_process is None:
        # now() promises its caller one attempt; the caller is gone and nobody waits for a second.
        return Status.FAILED, _CALLER_LOST_REASON
    if job.crash_count + 1 >= config.CRASH_LIMIT:
        return Status.FAILED, CRASH_LIMIT_REASON
    return Status.RETRYING, _RESCUED_REASON
