"""What operators do: retry, cancel, discard, run now, pause, resume. Admin, API and CLI call these.

Each takes one job (row or id), a queryset, or an iterable of either, works in batches of short
transactions, and says what it did and what it skipped and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import router, transaction
from django.dispatch import Signal
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs import signals
from django_jobs.auditing import audit, some_ids
from django_jobs.conf.shown import shown
from django_jobs.cron_operations import (
    backfill_cron,
    backfill_slots,
    enqueue_cron_job,
    switch_cron,
)
from django_jobs.exceptions import InvalidOption
from django_jobs.models import AuditAction, Job, JobAudit, JobQuerySet
from django_jobs.queue_operations import limit_queue, pause_queue, resume_queue
from django_jobs.registry import registry
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.records import Moved
from django_jobs.submitting import edit_and_retry as edit_and_retry
from django_jobs.validation import clean_text
from django_jobs.worker_operations import replace_processes, set_desired_state

__all__ = [
    "OperationResult",
    "backfill_cron",
    "backfill_slots",
    "cancel",
    "discard",
    "enqueue_cron_job",
    "limit_queue",
    "pause_queue",
    "replace_processes",
    "resume_queue",
    "retry",
    "run_now",
    "set_desired_state",
    "switch_cron",
]

JobsArgument = Job | UUID | str | JobQuerySet | Iterable[Job | UUID | str]

#: Jobs per transaction.
BATCH: Final = 500


@dataclass(slots=True)
class OperationResult:
    """What an operation did.

    Attributes:
        done: ids of the jobs it changed.
        skipped: ids of the others, each with the reason: the status that forbids it.
    """

    done: list[UUID] = field(default_factory=list)
    skipped: dict[UUID, str] = field(default_factory=dict)

    def summary(self) -> str:
        """One sentence, for example “3 of 5 done; 2 skipped: running”."""
        total = len(self.done) + len(self.skipped)
        if not self.skipped:
            return ngettext("%(count)d job done.", "%(count)d jobs done.", total) % {"count": total}
        reasons = ", ".join(sorted(set(self.skipped.values())))
        return _("%(done)d of %(total)d jobs done; %(skipped)d skipped: %(reasons)s.") % {
            "done": len(self.done),
            "total": total,
            "skipped": len(self.skipped),
            "reasons": reasons,
        }


def retry(jobs: JobsArgument, *, by: str = "", reason: str = "") -> OperationResult:
    """Start ended jobs afresh: failed, discarded, cancelled or expired ones become pending.

    Args:
        jobs: one job, a queryset, or an iterable of jobs or ids.
        by: who does it, for the transitions.
        reason: why, for the transitions.
    """
    return _in_batches(AuditAction.RETRY, jobs, by, reason)


def run_now(jobs: JobsArgument, *, by: str = "", reason: str = "") -> OperationResult:
    """Make scheduled and retrying jobs due at once."""
    return _in_batches(AuditAction.RUN_NOW, jobs, by, reason)


def cancel(jobs: JobsArgument, *, by: str = "", reason: str = "") -> OperationResult:
    """End waiting jobs as cancelled; ask running ones to stop, by ``context.cancelled``."""
    return _in_batches(AuditAction.CANCEL, jobs, by, reason)


def discard(jobs: JobsArgument, *, by: str = "", reason: str = "") -> OperationResult:
    """Drop waiting jobs and dead letters for good."""
    return _in_batches(AuditAction.DISCARD, jobs, by, reason)


def one_batch(
    action: AuditAction, ids: Sequence[UUID], *, by: str = "", reason: str = ""
) -> OperationResult:
    """Retry, run now, cancel or discard one batch of jobs.

    It leaves no entry in the audit: it is for those who write one entry for many batches.
    """
    actor = f"operator:{by}" if by else "operator"
    verb, announcement = _verb(action)
    moved = verb(ids, _text(actor, 200), _text(reason, 500))
    if announcement is not None and announcement[1].receivers:
        tell = partial(_announce, announcement, moved.done, reason)
        transaction.on_commit(tell, using=router.db_for_write(Job), robust=True)
    return OperationResult(list(moved.done), dict(moved.skipped))


#: What ended: the status, and the signal that tells of it.
_Announcement = tuple[Status, Signal]
_CANCELLED: Final = (Status.CANCELLED, signals.job_cancelled)
_DISCARDED: Final = (Status.DISCARDED, signals.job_discarded)


_Verb = Callable[[Sequence[UUID], str, str], Moved]


def _verb(action: AuditAction) -> tuple[_Verb, _Announcement | None]:
    store = active_store()
    verbs: dict[AuditAction, tuple[_Verb, _Announcement | None]] = {
        AuditAction.RETRY: (store.retry, None),
        AuditAction.RUN_NOW: (store.run_now, None),
        AuditAction.CANCEL: (store.cancel, _CANCELLED),
        AuditAction.DISCARD: (store.discard, _DISCARDED),
    }
    return verbs[action]


def _in_batches(action: AuditAction, jobs: JobsArgument, by: str, reason: str) -> OperationResult:
    result = OperationResult()
    ids = _ids(jobs)
    # Before anything is done: should this process die in between, something tells of it.
    entry = audit(action, by=by, reason=reason)
    while batch := list(islice(ids, BATCH)):
        moved = one_batch(action, batch, by=by, reason=reason)
        result.done += moved.done
        result.skipped |= moved.skipped
    _complete(entry, result)
    return result


def _complete(entry: JobAudit, result: OperationResult) -> None:
    """Say in the audit what was done; nothing was, if every job was skipped."""
    if not result.done:
        entry.delete()
        return
    entry.count = len(result.done)
    entry.target = str(result.done[0]) if entry.count == 1 else ""
    entry.details = {"ids": some_ids(result.done), "skipped": len(result.skipped)}
    entry.save()


def _announce(announcement: _Announcement, ids: Sequence[UUID], reason: str) -> None:
    status, signal = announcement
    # A running job that was asked to stop has not ended yet; its worker will tell.
    ended = Job.objects.filter(pk__in=ids, status=status).values_list("pk", "job_name", "queue")
    for job_id, job_name, queue in ended:
        definition = registry.find(job_name)
        signals.emit(
            signal, definition, job_id=job_id, job_name=job_name, queue=queue, reason=reason
        )


def _text(text: str, limit: int) -> str:
    return clean_text(text, limit) if text else ""


def _ids(jobs: JobsArgument) -> Iterator[UUID]:
    if isinstance(jobs, Job | UUID | str):
        jobs = [jobs]
    if isinstance(jobs, JobQuerySet):
        # All ids first: the verbs change what the queryset finds.
        return iter(list(jobs.values_list("pk", flat=True)))
    # All ids first, too: a bad one among them must stop the operation before it begins.
    return iter([_id(job) for job in jobs])


def _id(job: object) -> UUID:
    if isinstance(job, Job):
        return job.pk
    if isinstance(job, UUID):
        return job
    try:
        return UUID(job)  # type: ignore[arg-type]  # whatever else it is, it raises
    except (TypeError, ValueError, AttributeError):
        raise InvalidOption(f"jobs: a job, its id or a queryset; got {shown(job)}.") from None
