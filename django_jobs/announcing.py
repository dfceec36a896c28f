"""Tells the log and the signals what became of an attempt, after the store accepted it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django_jobs import log, rollups, sightings, signals
from django_jobs.states import Status

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.outcome import Outcome
    from django_jobs.stores.records import ClaimedJob, Report, Rescued


def announce_start(definition: JobDefinition[Any, Any], job: ClaimedJob) -> None:
    """Log it and send ``job_started``."""
    log.started(job.job_name, job.id, job.attempt)
    if not signals.job_started.receivers:
        return  # nothing to prepare: this is asked for every job
    signals.emit(
        signals.job_started,
        definition,
        job_id=job.id,
        job_name=job.job_name,
        queue=job.queue,
        attempt=job.attempt,
        correlation_id=job.correlation_id,
    )


def announce_progress(
    definition: JobDefinition[Any, Any] | None, job: ClaimedJob, report: Report
) -> None:
    """Send ``job_progressed`` if the report tells of progress, not of log lines alone."""
    if report.percent is not None:
        signals.emit(
            signals.job_progressed,
            definition,
            job_id=job.id,
            job_name=job.job_name,
            queue=job.queue,
            percent=report.percent,
            message=report.message,
        )


def announce_outcome(
    definition: JobDefinition[Any, Any] | None, job: ClaimedJob, outcome: Outcome, duration: float
) -> None:
    """Log and count an accepted outcome and send its signal; snoozes and releases have none."""
    if outcome.status != Status.PENDING:
        rollups.count(job, outcome.status, duration)
    if outcome.signature is not None:
        sightings.see(job.job_name, outcome.status, outcome.signature, outcome.reason)
    _log(job, outcome, duration)
    signal = _SIGNALS.get(outcome.status)
    if signal is None or not signal.receivers:
        return
    signals.emit(
        signal,
        definition,
        job_id=job.id,
        job_name=job.job_name,
        queue=job.queue,
        attempt=job.attempt,
        correlation_id=job.correlation_id,
        duration=duration,
        delay=outcome.delay,
        error=outcome.error,
        reason=outcome.reason,
        exception=outcome.exception,
    )


def _log(job: ClaimedJob, outcome: Outcome, duration: float) -> None:
    match outcome.status:
        case Status.COMPLETED:
            log.completed(job.job_name, job.id, duration)
        case Status.RETRYING:
            log.retrying(job.job_name, job.id, job.attempt, outcome.delay, outcome.reason)
        case Status.FAILED:
            log.failed(job.job_name, job.id, job.attempt, outcome.reason, outcome.error)


_SIGNALS = {
    Status.COMPLETED: signals.job_completed,
    Status.FAILED: signals.job_failed,
    Status.RETRYING: signals.job_retrying,
    Status.DISCARDED: signals.job_discarded,
    Status.CANCELLED: signals.job_cancelled,
}


def announce_rescue(definition: JobDefinition[Any, Any] | None, rescued: Rescued) -> None:
    """Log it and send ``job_rescued``; then the signal of its end, if there is no other attempt."""
    log.rescued(rescued.job_name, rescued.id, rescued.status, rescued.crash_count)
    if rescued.status == Status.FAILED:
        log.failed(rescued.job_name, rescued.id, rescued.attempt, rescued.reason, rescued.error)
    details: dict[str, Any] = {
        "job_id": rescued.id,
        "job_name": rescued.job_name,
        "queue": rescued.queue,
        "attempt": rescued.attempt,
        "reason": rescued.reason,
        "error": rescued.error,
    }
    signals.emit(
        signals.job_rescued,
        definition,
        **details,
        status=rescued.status,
        crash_count=rescued.crash_count,
    )
    if rescued.status in (Status.FAILED, Status.CANCELLED):
        rollups.count(rescued, rescued.status, None)
        if rescued.signature is not None:
            sightings.see(rescued.job_name, rescued.status, rescued.signature, rescued.error)
        signals.emit(_SIGNALS[rescued.status], definition, **details, exception=None)
