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

from django_jobs.auditing import IDS_MAX, audit, some_ids
from django_jobs.conditions import Condition
from django_jobs.context import JobContext
from django_jobs.models import AuditAction, Job, JobAudit
from django_jobs.names import BULK
from django_jobs.operations import BATCH, OperationResult, one_batch
from django_jobs.selection import Selection
from django_jobs.states import DELAYED, RETRYABLE, TERMINAL, WAITING, Actor, Status, sources_of
from django_jobs.stores.database.retrying import retried

#: What can be done to many jobs → the statuses in which it does something.
ALLOWED: Final[dict[AuditAction, frozenset[Status]]] = {
    AuditAction.RETRY: RETRYABLE,
    AuditAction.RUN_NOW: DELAYED,
    AuditAction.CANCEL: WAITING | {Status.RUNNING},
    AuditAction.DISCARD: sources_of(Status.DISCARDED, Actor.OPERATOR),
    AuditAction.DELETE: TERMINAL,
}

#: In the details of an entry: the last job that was looked at.
_LAST: Final = "last"

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
    job: JobContext | None = None,
) -> BulkResult:
    """Do it to every job of a selection, and write one entry in the audit.

    Done twice, it does nothing to jobs that it has changed before: they left the statuses that
    it is for, or came back after the selection's ``as_of``. An attempt goes on after the last
    batch of the one before it, also when that was killed, and counts on in its entry.

    Args:
        action: retry, run now, cancel, discard or delete.
        selection: the jobs.
        by: who asked for it.
        reason: why.
        target: what was asked for, for people.
        tell: called after each batch.
        job: of whose attempts this is one.
    """
    entry = _begun_by(job, action) if job is not None else None
    if entry is None:
        details = {} if job is None else {"job": str(job.job_id)}
        entry = audit(action, by=by, reason=reason, target=target, details=details)
    elif _LAST in entry.details:
        after = UUID(entry.details[_LAST]).int + 1
        selection = selection.with_(since=max(UUID(int=after), selection.since or UUID(int=0)))
    for chunk in touched_by(action, selection).chunks():
        for start in range(0, len(chunk), BATCH):
            _batch(action, chunk[start : start + BATCH], entry, by, reason)
            if tell is not None:
                result = _result(entry)
                tell(result.done + result.skipped)
    return _result(entry)


def _begun_by(job: JobContext, action: AuditAction) -> JobAudit | None:
    """The entry of an earlier attempt."""
    if job.attempt < 2 or not job.has_row:
        return None
    entries = JobAudit.objects.using(router.db_for_write(JobAudit)).filter(action=action)
    return entries.filter(details__job=str(job.job_id)).order_by("-at", "-pk").first()


@retried
def _batch(action: AuditAction, ids: Sequence[UUID], entry: JobAudit, by: str, reason: str) -> None:
    """One transaction with what the audit says of it: it is true whenever this process dies."""
    with transaction.atomic(using=router.db_for_write(Job)):
        if action == AuditAction.DELETE:
            moved = delete_ended(ids)
        else:
            moved = one_batch(action, ids, by=by, reason=reason)
        count = entry.count + len(moved.done)
        details = {
            **entry.details,
            "ids": [*entry.details.get("ids", ()), *some_ids(moved.done)][:IDS_MAX],
            "skipped": entry.details.get("skipped", 0) + len(moved.skipped),
            _LAST: str(ids[-1]),
        }
        entries = JobAudit.objects.using(router.db_for_write(JobAudit))
        entries.filter(pk=entry.pk).update(count=count, details=details)
    entry.count, entry.details = count, details


def _result(entry: JobAudit) -> BulkResult:
    return BulkResult(entry.count, entry.details.get("skipped", 0))


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
