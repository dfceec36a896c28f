"""The built-in jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import DatabaseError
from django.utils.translation import gettext as _

from django_jobs.conf import config
from django_jobs.context import JobContext
from django_jobs.decorator import job
from django_jobs.exceptions import Discard, Snooze
from django_jobs.names import BULK, CLEANUP, RETRY_FAILURES
from django_jobs.priority import Priority
from django_jobs.schedules import cron

if TYPE_CHECKING:
    from django_jobs.models import FailureRetry

#: Seconds until the next run of a cleanup that did not get through.
NEXT_ROUND: Final = 60.0


def _every(seconds: float) -> str:
    """A cron expression for an interval of whole hours or minutes that divide a day or an hour."""
    minutes = max(round(seconds / 60), 1)
    if minutes < 60:
        return f"*/{minutes} * * * *"
    hours = min(round(minutes / 60), 24)
    return "H 0 * * *" if hours == 24 else f"H */{hours} * * *"


@cron(_every(config.CLEANUP_INTERVAL), name=CLEANUP, overlap="skip", builtin=True)
@job(name=CLEANUP, priority=Priority.LOW, max_attempts=1)
def cleanup() -> dict[str, int]:
    """Delete old finished jobs; comes back every minute until nothing is left to delete."""
    # Web processes import this module too, and have no use for the services.
    from django_jobs.services.cleanup import clean_up

    result = clean_up(max_batches=config.CLEANUP_MAX_BATCHES)
    if not result.complete and not result.skipped:
        raise Snooze(NEXT_ROUND, reason=f"{result.total_jobs} jobs deleted, more to come")
    return result.jobs


@job(name=RETRY_FAILURES, priority=Priority.HIGH, max_attempts=10)
def retry_failures(
    context: JobContext, fingerprint: str, pace: str, per_minute: int = 0
) -> dict[str, Any]:
    """Retry the failed jobs of one kind, little by little; sleeps between the steps.

    How far it came is kept in its row of ``FailureRetry``, together with what it retried.
    """
    from django_jobs.services.failure_retry import advance

    while True:
        context.raise_if_cancelled()
        step = advance(context.job_id)
        if step.retry is not None:
            context.update_progress(_percent(step.retry), _said(step.retry))
        if step.is_last:
            return _told(step.retry)
        if step.pause > 0:
            raise Snooze(step.pause, reason=f"{pace} of failure {fingerprint}")


def _percent(retry: FailureRetry) -> float:
    return 100 * retry.retried / max(retry.total, retry.retried, 1)


def _said(retry: FailureRetry) -> str:
    if retry.end:
        return str(retry.get_end_display())
    return _("%(count)d retried in %(steps)d steps") % {
        "count": retry.retried,
        "steps": retry.step,
    }


def _told(retry: FailureRetry | None) -> dict[str, Any]:
    if retry is None:
        return {"end": "gone"}
    culprit = None if retry.culprit is None else str(retry.culprit)
    return {"end": str(retry.end), "retried": retry.retried, "culprit": culprit}


@job(name=BULK, priority=Priority.HIGH, sensitive=("seal",), retry_for=(DatabaseError,))
def bulk(
    context: JobContext,
    action: str,
    selection: dict[str, Any],
    by: str,
    reason: str = "",
    target: str = "",
    expected: int = 0,
    seal: str = "",
) -> dict[str, int]:
    """Do to many jobs what an operator asked for in the admin: retry, cancel, discard and so on.

    Args:
        context: of this job.
        action: what to do.
        selection: to which jobs, as it was when the operator confirmed.
        by: who asked for it, and was allowed to.
        reason: why.
        target: the selection, for people.
        expected: about how many jobs it is.
        seal: proves that the admin asked for it.
    """
    from django_jobs.auditing import through
    from django_jobs.bulk import apply, is_sealed
    from django_jobs.models import AuditAction, AuditSource
    from django_jobs.selection import Selection

    if not is_sealed(action, selection, by, seal):
        raise Discard("Only the list of jobs in the admin can ask for this.")

    def tell(count: int) -> None:
        percent = min(100 * count / expected, 99) if expected else 0
        context.update_progress(percent, f"{count} jobs")
        context.raise_if_cancelled()

    with through(AuditSource.ADMIN):
        result = apply(
            AuditAction(action),
            Selection.from_json(selection),
            by=by,
            reason=reason,
            target=target,
            tell=tell,
            job=context,
        )
    return {"done": result.done, "skipped": result.skipped}
