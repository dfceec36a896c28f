"""One step of the retry of a group of failures: look at what was retried, retry some more.

A step is one transaction: the jobs that it retries and the row that tells how far it came are
written together. A worker that is killed in it has retried nothing; the next one goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from django.db.models.functions import Now

from django_jobs import failpoints, operations
from django_jobs.auditing import through
from django_jobs.models import AuditSource, FailureRetry, Job, RetryEnd, RetryPace
from django_jobs.operations import BATCH
from django_jobs.states import LIVE, Status
from django_jobs.stores.database.moves import database, lock, writing
from django_jobs.stores.database.retrying import retried

if TYPE_CHECKING:
    from django_jobs.models import JobQuerySet

#: Jobs of the steps of a canary, each of which must end well before the next one.
CAUTIOUS: Final = (1, 10)
#: Seconds between two looks at the jobs of a cautious step: a tenth of how long they take.
LOOK_MIN: Final = 1.0
LOOK_MAX: Final = 30.0
#: Steps of a drip in a minute, so that the jobs come evenly; fewer when it is fewer jobs.
DRIPS: Final = 6
#: Jobs that may refuse to be retried before all is given up.
SKIPPED_MAX: Final = 500


class Step(NamedTuple):
    """What came of a step.

    Attributes:
        retry: how far the retry has come; ``None`` if its row is gone.
        pause: seconds until the next step.
    """

    retry: FailureRetry | None
    pause: float

    @property
    def is_last(self) -> bool:
        """Whether there are no more steps."""
        return self.retry is None or self.retry.ended_at is not None


@retried
def advance(job_id: UUID) -> Step:
    """Make the next step of a retry, if it is time for it.

    Args:
        job_id: the job that drives it.
    """
    with writing(), through(AuditSource.WORKER):
        retry, now = _locked(job_id)
        if retry is None or retry.ended_at is not None:
            return Step(retry, 0.0)
        go_on = _canary if retry.pace == RetryPace.CANARY else _drip
        pause = go_on(retry, now)
        retry.save()
    return Step(retry, pause)


def _locked(job_id: UUID) -> tuple[FailureRetry | None, datetime]:
    rows: Any = FailureRetry.objects.using(database()).filter(pk=job_id)
    found: Any = lock(rows, skip_locked=False).annotate(db_now=Now())
    retry: Any = found.first()
    return retry, (datetime.min if retry is None else retry.db_now)  # noqa: DTZ901


def _canary(retry: FailureRetry, now: datetime) -> float:
    """One, ten, the rest; ends when a job of the steps before did not end well."""
    if retry.watched:
        badly = _ended_badly(retry)
        if badly is not None:
            retry.end, retry.culprit = badly
            retry.ended_at = now
            return 0.0
        if _jobs().filter(pk__in=retry.watched, status__in=LIVE).exists():
            return _until_next_look(retry, now)
    is_cautious = retry.step < len(CAUTIOUS)
    done = _retry_some(retry, now, CAUTIOUS[retry.step] if is_cautious else BATCH)
    retry.watched = [str(one) for one in done] if is_cautious else []
    return LOOK_MIN if retry.watched else 0.0


def _until_next_look(retry: FailureRetry, now: datetime) -> float:
    waited = (now - (retry.stepped_at or now)).total_seconds()
    return min(max(waited / 10, LOOK_MIN), LOOK_MAX)


def _ended_badly(retry: FailureRetry) -> tuple[RetryEnd, UUID] | None:
    """Which job that is watched did not end well, and how."""
    watched = _jobs().filter(pk__in=retry.watched)
    otherwise: tuple[RetryEnd, UUID] | None = None
    for job_id, status, fingerprint, failures in watched.values_list(
        "pk", "status", "fingerprint", "failure_count"
    ):
        # The retry set its failures to zero: what it has now is new, also if it will try again.
        has_failed = status == Status.FAILED or (failures > 0 and status in LIVE)
        if has_failed and fingerprint == retry.fingerprint:
            return RetryEnd.FAILED_ALIKE, job_id
        if status not in LIVE and status != Status.COMPLETED:
            otherwise = RetryEnd.FAILED_OTHERWISE, job_id
    return otherwise


def _drip(retry: FailureRetry, now: datetime) -> float:
    """Some jobs now, unless the last ones are not long enough ago."""
    size = min(max(retry.per_minute // DRIPS, 1), BATCH)
    interval = timedelta(minutes=size / retry.per_minute)
    if retry.stepped_at is not None and now < retry.stepped_at + interval:
        return (retry.stepped_at + interval - now).total_seconds()
    _retry_some(retry, now, size)
    return interval.total_seconds()


def _retry_some(retry: FailureRetry, now: datetime, most: int) -> list[UUID]:
    """Retry the oldest failed jobs that are left; ends the retry when there are none."""
    ids = _left(retry, most)
    if not ids:
        retry.end, retry.ended_at = RetryEnd.DONE, now
        return []
    reason = f"{retry.pace} of failure {retry.fingerprint}"
    result = operations.retry(ids, by=retry.asked_by, reason=reason)
    failpoints.reach("failures.retried")
    retry.skipped = [*retry.skipped, *(str(one) for one in result.skipped)]
    if len(retry.skipped) > SKIPPED_MAX:
        retry.end, retry.ended_at = RetryEnd.REFUSED, now
    if result.done:
        retry.step += 1
        retry.retried += len(result.done)
        retry.stepped_at = now
    return result.done


def _left(retry: FailureRetry, most: int) -> Sequence[UUID]:
    """What failed again since the start is not tried a second time, nor is what failed since."""
    failed = _jobs().failed().exclude(fingerprint="").filter(fingerprint=retry.fingerprint)
    left = failed.filter(completed_at__lt=retry.started_at).exclude(pk__in=retry.skipped)
    return list(left.order_by("completed_at", "pk").values_list("pk", flat=True)[:most])


def _jobs() -> JobQuerySet:
    return Job.objects.using(database())
