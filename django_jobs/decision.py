"""What a raised exception means for the job: decided here, purely, before anything is written."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from django_jobs.backoff import delay_after_crash, delay_for
from django_jobs.conf import config
from django_jobs.exceptions import (
    Cancel,
    Discard,
    JobTimeout,
    ResultNotSerializable,
    Retry,
    Snooze,
)
from django_jobs.fingerprints import PROCESS_DIED, Signature, signature, signature_of
from django_jobs.option_checks import MAX_DELAY
from django_jobs.outcome import CRASH_LIMIT_REASON, Outcome
from django_jobs.redaction import Redactor, redactor_of
from django_jobs.states import Status
from django_jobs.validation import clean_text, describe_exception, format_traceback

if TYPE_CHECKING:
    from django_jobs.options import JobOptions
    from django_jobs.stores.records import ClaimedJob

REASON_LIMIT = 500
_PROCESS_DIED_REASON: Final = "process_died"


def decide(job: ClaimedJob, options: JobOptions, raised: BaseException) -> Outcome:
    """Turn what a job raised into its outcome, whose texts hold none of the job's secrets."""
    hide = redactor_of(job.job_name, job.params)
    match raised:
        case Snooze():
            return _snooze(raised, hide)
        case Discard():
            return Outcome.discard(_reason(raised.reason, hide) or "discarded by the job")
        case Cancel():
            return Outcome.cancel(_reason(raised.reason, hide) or "cancelled by the job")
        case Retry():
            return _after_failure(job, options, raised, hide, asked=_seconds(raised.delay))
        case ResultNotSerializable():
            # The work is done; doing it again would return the same.
            return Outcome.fail(*_texts(raised, hide), raised, _signature(job, raised))
    if isinstance(raised, options.discard_for):
        error, reason = _texts(raised, hide)
        return Outcome.discard(reason, error, raised)
    if options.retry_for and not isinstance(raised, (*options.retry_for, JobTimeout)):
        return Outcome.fail(*_texts(raised, hide), raised, _signature(job, raised))
    return _after_failure(job, options, raised, hide)


def decide_crash(job: ClaimedJob, error: str) -> Outcome:
    """The outcome of a job whose own process died: a crash for this job and for no other.

    Args:
        job: the attempt.
        error: how the process ended.
    """
    crashes = job.crash_count + 1
    died = signature(job.job_name, PROCESS_DIED)
    if crashes >= config.CRASH_LIMIT:
        return Outcome(
            Status.FAILED, error=error, reason=CRASH_LIMIT_REASON, crashed=True, signature=died
        )
    return Outcome(
        Status.RETRYING,
        delay=delay_after_crash(crashes, base=config.BACKOFF_BASE),
        error=error,
        reason=_PROCESS_DIED_REASON,
        crashed=True,
        signature=died,
    )


def _after_failure(
    job: ClaimedJob,
    options: JobOptions,
    raised: BaseException,
    hide: Redactor,
    asked: float | None = None,
) -> Outcome:
    failures = job.failure_count + 1
    error, reason = _texts(raised, hide)
    if failures >= job.max_attempts:
        return Outcome.fail(error, reason, raised, _signature(job, raised))
    delay = _backoff(options, failures, raised) if asked is None else asked
    return Outcome.retry(delay, error, reason, raised, _signature(job, raised))


def _signature(job: ClaimedJob, raised: BaseException) -> Signature:
    return signature_of(job.job_name, raised)


def _backoff(options: JobOptions, failures: int, raised: BaseException) -> float:
    return delay_for(
        config.BACKOFF if options.backoff is None else options.backoff,
        failures,
        raised,
        base=config.BACKOFF_BASE,
        cap=config.BACKOFF_MAX,
    )


def _snooze(raised: Snooze, hide: Redactor) -> Outcome:
    due = raised.until
    if isinstance(due, datetime) and timezone.is_aware(due) and _is_near(due):
        return Outcome.snooze(0.0, due, _reason(raised.reason, hide))
    delay = _seconds(raised.delay)
    return Outcome.snooze(
        config.BACKOFF_BASE if delay is None else delay, None, _reason(raised.reason, hide)
    )


def _is_near(due: datetime) -> bool:
    # As timestamps: subtracting year 1 or 9999 in a far zone may overflow.
    return abs(due.timestamp() - timezone.now().timestamp()) < MAX_DELAY.total_seconds()


def _seconds(delay: Any) -> float | None:
    """A usable delay, or ``None``: the failure path must not fail over a bad number."""
    if isinstance(delay, timedelta):
        delay = delay.total_seconds()
    if isinstance(delay, bool) or not isinstance(delay, int | float) or delay != delay:
        return None
    return float(max(0.0, min(delay, MAX_DELAY.total_seconds())))


def _texts(raised: BaseException, hide: Redactor) -> tuple[str, str]:
    """The traceback and the one line that says it."""
    reason = clean_text(describe_exception(raised, hide), REASON_LIMIT)
    return format_traceback(raised, hide=hide), reason


def _reason(text: object, hide: Redactor) -> str:
    return clean_text(text, REASON_LIMIT, hide) if text else ""
