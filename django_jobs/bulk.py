"""What operators do to very many jobs at once: batch by batch, audited as one thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db import router, transaction
from django.db.models import QuerySet

from django_jobs.auditing import audit, some_ids
from django_jobs.conditions import Condition
from django_jobs.models import AuditAction, Job, JobAudit
from django_jobs.names import BULK
from django_jobs.operations import BATCH, OperationResult, one_batch
from django_jobs.selection import Selection
from django_jobs.states import DELAYED, RETRYABLE, TERMINAL, WAITING, Actor, Status, sources_of

#: What can be done to many jobs → the statuses in which it does something.
ALLOWED: Final[dict[AuditAction, frozenset[Status]]] = {
    AuditAction.RETRY: RETRYABLE,
    AuditAction.RUN_NOW: DELAYED,
    AuditAction.CANCEL: WAITING | {Status.RUNNING},
    AuditAction.DISCARD: sources_of(Status.DISCARDED, Actor.OPERATOR),
    AuditAction.DELETE: TERMINAL,
}

#: Called with the number of jobs that were looked at; what it raises ends the operation.
Tell = Callable[[int], None]


@dataclass(slots=True)
class BulkResult:
    """What became of the jobs.

    Attributes:
        done: how many were changed.
        skipped: how many had moved on in the meantime.
    """

    done: int = 0
    skipped: int = 0


def touched_by(action: AuditAction, selection: Selection) -> Selection:
    """Those of the jobs to which the action does something.

    Never our own bulk jobs: to retry one would repeat what somebody else once asked for.
    """
    statuses = tuple(sorted(str(status) for status in ALLOWED[action]))
    allowed = Condition("status", "=", statuses)
    return selection.with_(allowed, Condition("job", "=", (BULK,), negated=True))


def apply(
    action: AuditAction,
    selection: Selection,
    *,
    by: str,
    reason: str = "",
    target: str = "",
    tell: Tell | None = None,
) -> BulkResult:
    """Do it to every job of a selection, and write one entry in the audit.

    Done twice, it does nothing to jobs that it has changed before: they left the statuses that
    it is for, or came back after the selection's ``as_of``.

    Args:
        action: retry, run now, cancel, discard or delete.
        selection: the jobs.
        by: who asked for it.
        reason: why.
        target: what was asked for, for people.
        tell: called after each batch.
    """
    result = BulkResult()
    entry = audit(action, by=by, reason=reason, target=target)
    looked_at = 0
    try:
        for chunk in touched_by(action, selection).chunks():
            for start in range(0, len(chunk), BATCH):
                batch = chunk[start : start + BATCH]
                moved = _batch(action, batch, by, reason)
                _count(result, entry, moved)
                looked_at += len(batch)
                if tell is not None:
                    tell(looked_at)
    finally:
        _close(entry, result)
    return result


def _batch(action: AuditAction, ids: Sequence[UUID], by: str, reason: str) -> OperationResult:
    if action == AuditAction.DELETE:
        return delete_ended(ids)
    return one_batch(action, ids, by=by, reason=reason)


def _count(result: BulkResult, entry: JobAudit, moved: OperationResult) -> None:
    if not result.done:
        entry.details = {"ids": some_ids(moved.done)}
    result.done += len(moved.done)
    result.skipped += len(moved.skipped)


def _close(entry: JobAudit, result: BulkResult) -> None:
    entry.count = result.done
    entry.details = {**entry.details, "skipped": result.skipped}
    entry.save()


def seal(action: str, selection: Mapping[str, Any], by: str) -> str:
    """What proves to the bulk job that the admin asked for it, having checked who may.

    Whoever may only enqueue jobs could otherwise have it do what they may not do themselves.
    """
    return _signer().signature(_sealed(action, selection, by))


def is_sealed(action: str, selection: Mapping[str, Any], by: str, proof: str) -> bool:
    """Whether :func:`seal` made the proof for exactly this."""
    signer = _signer()
    try:
        signer.unsign(f"{_sealed(action, selection, by)}{signer.sep}{proof}")
    except BadSignature:
        return False
    return True


def _signer() -> Signer:
    return Signer(salt="django_jobs.bulk")


def _sealed(action: str, selection: Mapping[str, Any], by: str) -> str:
    return json.dumps([action, selection, by], sort_keys=True)


def delete_ended(
    ids: Sequence[UUID], before: Callable[[QuerySet[Job]], object] | None = None
) -> OperationResult:
    """Delete ended jobs with their transitions and log lines; skip the others.

    Args:
        ids: of the jobs.
        before: called with each batch while its rows still exist.
    """
    result = OperationResult()
    for start in range(0, len(ids), BATCH):
        batch = Job.objects.filter(pk__in=ids[start : start + BATCH])
        with transaction.atomic(using=router.db_for_write(Job)):
            # Locked, so that a retry by somebody else either comes first or finds nothing.
            jobs = list(batch.select_for_update().only("job_name", "status"))
            ended = [job.pk for job in jobs if job.is_finished]
            rows = Job.objects.filter(pk__in=ended).only("job_name")
            if before is not None:
                before(rows)
            rows.delete()
        result.done += ended
        result.skipped |= {
            job.pk: str(job.get_status_display()) for job in jobs if not job.is_finished
        }
    return result
