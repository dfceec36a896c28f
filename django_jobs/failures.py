"""What operators do to failures of one kind: resolve, mute, reopen, retry, discard."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import router, transaction
from django.db.models.functions import Now

from django_jobs import operations, producing
from django_jobs.auditing import audit
from django_jobs.exceptions import InvalidOption
from django_jobs.models import (
    AuditAction,
    FailureGroup,
    FailureRetry,
    FailureState,
    Job,
    RetryEnd,
    RetryPace,
)
from django_jobs.names import RETRY_FAILURES
from django_jobs.registry import registry
from django_jobs.states import LIVE
from django_jobs.stores.database.retrying import retried
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from django_jobs.models import JobQuerySet

#: Jobs that one :func:`discard_all` discards at most.
DISCARD_MAX: Final = 10_000
#: Most jobs per minute of a drip.
PER_MINUTE_MAX: Final = 6000
#: Failed jobs are counted up to this many when their retry starts.
TOTAL_MAX: Final = 100_000

_CLEAR: Final[dict[str, Any]] = {
    "resolved_in_release": "",
    "resolved_at": None,
    "resolved_by": "",
    "muted_until": None,
    "muted_by": "",
}


def failed_jobs(group: FailureGroup) -> JobQuerySet:
    """The jobs of a group that gave up, as an index finds them."""
    # The second condition is that of the index.
    failed = Job.objects.using(router.db_for_write(Job)).failed().exclude(fingerprint="")
    return failed.filter(fingerprint=group.pk)


def resolve(group: FailureGroup, *, by: str = "", release: str = "", note: str = "") -> bool:
    """Say that these failures are mended; they come back when one is seen after that.

    Args:
        group: which failures.
        by: who says so.
        release: the release that mends them. With it, failures of older releases that were seen
            failing and still run do not count.
        note: how, or why.
    """
    return _change(
        group,
        by,
        note,
        state=FailureState.RESOLVED,
        resolved_at=Now(),
        resolved_by=_text(by, 200),
        resolved_in_release=_text(release, 100),
    )


def mute(
    group: FailureGroup, *, until: datetime | None = None, by: str = "", note: str = ""
) -> bool:
    """Keep these failures out of sight until a time, or for good; they are counted all the same."""
    return _change(
        group,
        by,
        note,
        state=FailureState.MUTED,
        muted_until=until,
        muted_by=_text(by, 200),
    )


def reopen(group: FailureGroup, *, by: str = "", note: str = "") -> bool:
    """End a mute, or take back that they are mended; also tells that somebody looks at them."""
    return _change(group, by, note, state=FailureState.ONGOING)


@retried
def _change(group: FailureGroup, by: str, note: str, **columns: Any) -> bool:
    """Return whether the group is still there."""
    columns = _CLEAR | columns
    if note:
        columns["note"] = _text(note, 500)
    groups = FailureGroup.objects.using(router.db_for_write(FailureGroup))
    with transaction.atomic(using=groups.db):
        changed = bool(groups.filter(pk=group.pk).update(**columns))
        if changed:
            details = {"job_name": group.job_name, "state": str(columns["state"])}
            for name in ("resolved_in_release", "muted_until"):
                details[name] = str(columns[name] or "")
            audit(AuditAction.CHANGE_FAILURE, by=by, target=group.pk, reason=note, details=details)
    return changed


def discard_all(
    group: FailureGroup, *, by: str = "", reason: str = ""
) -> operations.OperationResult:
    """Discard the failed jobs of a group, the oldest first, at most :data:`DISCARD_MAX`."""
    oldest = failed_jobs(group).order_by("completed_at")[:DISCARD_MAX]
    return operations.discard(oldest, by=by, reason=reason or f"failure {group.pk}")


def retry_as_canary(group: FailureGroup, *, by: str = "", reason: str = "") -> FailureRetry | None:
    """Retry one failed job, then ten, then the rest; stop as soon as one does not end well.

    A job of ours does it, step by step, also when its worker is killed.

    Returns:
        The retry, or ``None`` if one of this group is under way.
    """
    return _start(group, RetryPace.CANARY, 0, by, reason)


def retry_as_drip(
    group: FailureGroup, per_minute: int, *, by: str = "", reason: str = ""
) -> FailureRetry | None:
    """Retry all failed jobs, some per minute, however they end.

    Returns:
        The retry, or ``None`` if one of this group is under way.

    Raises:
        InvalidOption: a number that is not allowed.
    """
    if isinstance(per_minute, bool) or not 1 <= per_minute <= PER_MINUTE_MAX:
        raise InvalidOption(
            f"per_minute: a whole number from 1 to {PER_MINUTE_MAX}; got {per_minute}."
        )
    return _start(group, RetryPace.DRIP, per_minute, by, reason)


@retried
def _start(
    group: FailureGroup, pace: RetryPace, per_minute: int, by: str, reason: str
) -> FailureRetry | None:
    # In the queue of its jobs: workers are there that serve it.
    queues = failed_jobs(group).order_by("-completed_at").values_list("queue", flat=True)
    definition = registry.get(RETRY_FAILURES)
    definition = definition.using(
        queue=queues.first() or definition.queue, unique_key=f"{RETRY_FAILURES}:{group.pk}"
    )
    params = {"fingerprint": group.pk, "pace": str(pace), "per_minute": per_minute}
    with transaction.atomic(using=router.db_for_write(Job)):
        (job,) = producing.enqueue(definition, [producing.build(definition, params)])
        if job.was_already_enqueued:
            return None
        retry = FailureRetry.objects.using(router.db_for_write(FailureRetry)).create(
            job_id=job.pk,
            fingerprint=group.pk,
            pace=pace,
            per_minute=per_minute,
            asked_by=_text(by, 200),
            total=failed_jobs(group).order_by()[:TOTAL_MAX].count(),
        )
        details = {**params, "job_name": group.job_name, "job": str(job.pk)}
        audit(AuditAction.RETRY, by=by, target=group.pk, reason=reason, details=details)
    return retry


def latest_retry(group: FailureGroup) -> FailureRetry | None:
    """The retry of a group that was started last; it may have ended."""
    return FailureRetry.objects.filter(fingerprint=group.pk).order_by("-started_at").first()


def is_under_way(retry: FailureRetry) -> bool:
    """Whether more jobs may be retried: its driving job lives, and it was not stopped."""
    if retry.ended_at is not None:
        return False
    return Job.objects.filter(pk=retry.job_id, status__in=LIVE).exists()


@retried
def stop_retry(retry: FailureRetry, *, by: str = "", reason: str = "") -> bool:
    """Retry no more jobs of the group; return whether it was under way."""
    running = FailureRetry.objects.using(router.db_for_write(FailureRetry)).filter(
        pk=retry.pk, ended_at__isnull=True
    )
    with transaction.atomic(using=running.db):
        stopped = bool(running.update(ended_at=Now(), end=RetryEnd.STOPPED))
        if stopped:
            operations.cancel(retry.job_id, by=by, reason=reason or "stopped")
    return stopped


def _text(text: str, limit: int) -> str:
    return clean_text(text, limit) if text else ""
