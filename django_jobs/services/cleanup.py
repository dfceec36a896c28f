"""Delete what has been finished for long enough, in small batches, one cleaner at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db.models import Expression
from django.db.models.functions import Now

from django_jobs.conf import config
from django_jobs.locks import cluster_lock
from django_jobs.models import CronSlot, Job, JobAudit, JobRollup, QueueSample
from django_jobs.services.failures import adopt_strays, forget_failures
from django_jobs.states import TERMINAL, Status
from django_jobs.stores import active_store, recovery

LOCK: Final = "jobs.cleanup"
DAY: Final = 86_400.0
_LEFT_BUFFER: Final = frozenset({Status.ENQUEUED, Status.DISCARDED, Status.EXPIRED})


@dataclass(slots=True)
class CleanupResult:
    """What a cleanup deleted, or would delete.

    Attributes:
        jobs: number of jobs by status.
        transitions: number of transitions and log lines, beyond those of the deleted jobs.
        complete: whether nothing old enough is left.
        skipped: whether another cleanup was running, so that this one did nothing.
    """

    jobs: dict[str, int] = field(default_factory=dict)
    transitions: int = 0
    complete: bool = True
    skipped: bool = False

    @property
    def total_jobs(self) -> int:
        """Number of jobs of all statuses."""
        return sum(self.jobs.values())


def clean_up(
    *,
    older_than: float | None = None,
    statuses: Collection[Status] = (),
    batch_size: int | None = None,
    max_batches: int | None = None,
) -> CleanupResult:
    """Delete old finished jobs with their history; never two at a time in the whole cluster.

    Args:
        older_than: seconds since the end of the job; the configured retention when omitted.
        statuses: only these; all final ones when empty.
        batch_size: rows per transaction.
        max_batches: batches per status; ``None`` for no limit.
    """
    size = batch_size or config.CLEANUP_BATCH_SIZE
    result = CleanupResult()
    with cluster_lock(LOCK, lease=3600) as held:
        if not held:
            return CleanupResult(complete=False, skipped=True)
        for status, seconds in _retention(older_than, statuses).items():
            deleted, complete = _delete_status(status, seconds, size, max_batches)
            result.jobs[str(status)] = deleted
            result.complete = result.complete and complete
        if recovery.is_on():
            _empty_buffer(result, _retention(older_than, statuses), size, max_batches)
        if not statuses:
            _delete_history(result, older_than, size, max_batches)
    return result


def preview(*, older_than: float | None = None, statuses: Collection[Status] = ()) -> CleanupResult:
    """Count what :func:`clean_up` would delete."""
    result = CleanupResult()
    for status, seconds in _retention(older_than, statuses).items():
        old = Job.objects.filter(status=status, completed_at__lt=_ago(seconds))
        result.jobs[str(status)] = old.count()
    return result


def _retention(older_than: float | None, statuses: Collection[Status]) -> Mapping[Status, float]:
    chosen = [status for status in sorted(TERMINAL) if not statuses or status in statuses]
    if older_than is not None:
        return dict.fromkeys(chosen, older_than)
    default = config.CLEANUP_RETENTION_DAYS
    return {status: config.CLEANUP_RETENTION.get(str(status), default) * DAY for status in chosen}


def _delete_status(
    status: Status, seconds: float, size: int, max_batches: int | None
) -> tuple[int, bool]:
    store = active_store()
    deleted = 0
    for _ in _rounds(max_batches):
        count = store.delete_finished(status, seconds, size)
        deleted += count
        if count < size:
            return deleted, True
    return deleted, False


def _empty_buffer(
    result: CleanupResult, ages: Mapping[Status, float], size: int, max_batches: int | None
) -> None:
    """Forget what has left the enqueue buffer long enough ago."""
    for status in _LEFT_BUFFER & ages.keys():
        for _ in _rounds(max_batches):
            count = recovery.delete_settled(status, ages[status], size)
            result.jobs[str(status)] += count
            if count < size:
                break
        else:
            result.complete = False


def _delete_history(
    result: CleanupResult, older_than: float | None, size: int, max_batches: int | None
) -> None:
    """Old transitions of jobs that are kept, and old cron slots.

    Never before the configured retention, for the jobs may be waiting or running; and a status
    that is kept longer than the rest keeps its history as long.
    """
    configured = max([config.CLEANUP_RETENTION_DAYS * DAY, *_retention(None, ()).values()])
    seconds = max(configured, older_than or 0.0)
    for _ in _rounds(max_batches):
        count = active_store().delete_transitions(seconds, size)
        result.transitions += count
        if count < size:
            break
    else:
        result.complete = False
    CronSlot.objects.filter(created_at__lt=_ago(seconds)).delete()
    JobRollup.objects.filter(start__lt=_ago(config.ROLLUP_RETENTION_DAYS * DAY)).delete()
    QueueSample.objects.filter(start__lt=_ago(config.ROLLUP_RETENTION_DAYS * DAY)).delete()
    adopt_strays()
    forget_failures(config.ROLLUP_RETENTION_DAYS * DAY)
    JobAudit.objects.filter(at__lt=_ago(config.AUDIT_RETENTION_DAYS * DAY)).delete()


def _rounds(limit: int | None) -> Iterator[int]:
    count = 0
    while limit is None or count < limit:
        yield count
        count += 1


def _ago(seconds: float) -> Expression:
    return Now() - timedelta(seconds=seconds)
