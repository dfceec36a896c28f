"""Every error this package raises on purpose.

All of them derive from :class:`JobsError`, so ``except JobsError`` catches
what went wrong in the queue and nothing else. Messages name the field, what
is wrong with its value and what is allowed; they never echo a payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from uuid import UUID


class JobsError(Exception):
    """Base of every error of django_jobs."""


# Defining jobs


class InvalidJob(JobsError):
    """The decorated object cannot be a job.

    A lambda, closure, method or partial; a bad name; or a type hint that can't be resolved.
    """


class DuplicateJobName(InvalidJob):
    """Two functions claim the same job name or alias."""


class UnknownJob(JobsError):
    """No job is registered under this name."""


class InvalidConfiguration(JobsError):
    """A setting is unknown, of the wrong type or out of range."""


# Enqueueing


class InvalidArguments(JobsError):
    """The arguments do not fit the signature or the type hints of the job."""


class NotSerializable(InvalidArguments):
    """A value has no exact JSON form under its type hint; the message holds its path."""


class InvalidText(InvalidArguments):
    """A text holds a NUL or a lone surrogate, which PostgreSQL cannot store."""


class PayloadTooDeep(InvalidArguments):
    """The arguments or the result nest deeper than ``PAYLOAD_MAX_DEPTH``."""


class PayloadTooLarge(InvalidArguments):
    """The arguments or the result are larger than ``PAYLOAD_MAX_BYTES``."""


class InvalidOption(JobsError):
    """An option of ``@job`` or ``using()`` has a bad value."""


class InvalidSchedule(InvalidOption):
    """``delay``, ``scheduled_for`` or ``expires_at`` is not a usable time."""


class InvalidQueueName(InvalidOption):
    """A queue name is not 3 to 50 letters, digits, dashes or underscores."""


class UnknownQueue(InvalidOption):
    """The queue is not among the configured ones."""


class DuplicateJob(JobsError):
    """A live job already holds this unique key.

    ``job_id`` is the id of that job; ``using`` the alias of the database that has it, when that is
    the enqueue buffer.
    """

    def __init__(self, message: str, job_id: UUID, using: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.using = using


class EnqueueUnavailable(JobsError):
    """The job could not be written: the database is out of reach or the transaction is broken."""


# Running


class JobTimeout(JobsError):
    """Raised inside a job that ran longer than its ``timeout``; counts as a failure."""


class ResultNotSerializable(JobsError):
    """The job returned a value that does not fit its return type or JSON."""


class LeaseLost(JobsError):
    """The lease of this attempt is no longer valid; another holder may run the job."""


class InvalidTransition(JobsError):
    """The job is in a status from which this move is not allowed."""


class WaitTimeout(JobsError):
    """``job.wait(timeout)`` gave up before the job reached a final status."""


# Schedules


class InvalidCron(JobsError):
    """The cron expression cannot be read; the message names the field."""


class CronNeverFires(InvalidCron):
    """The cron expression is well formed but no date ever matches it."""


class CronTooFrequent(InvalidCron):
    """The cron expression fires more often than allowed."""


class InvalidTimezone(JobsError):
    """No time zone has this name."""


class DuplicateSchedule(JobsError):
    """Two cron entries in code have the same name."""


# What a running job may raise to decide its own outcome


class JobControl(Exception):
    """Base of what a job raises to decide its outcome; not an error.

    Catch ``Exception`` around job code with care: it catches these too.
    """


class Retry(JobControl):
    """Try again later, counted as a failure (idea: Celery's ``self.retry``).

    Args:
        delay: seconds or ``timedelta`` until the next attempt; the job's backoff when omitted.
        reason: why, for operators.
    """

    def __init__(self, reason: str = "", *, delay: float | timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


class Snooze(JobControl):
    """Put the job back for later without spending a failure (idea: Oban's ``{:snooze, n}``).

    Args:
        delay: seconds or ``timedelta`` until it becomes due again.
        until: an aware ``datetime`` instead of ``delay``.
        reason: why, for operators.
    """

    def __init__(
        self,
        delay: float | timedelta | None = None,
        *,
        until: datetime | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay
        self.until = until


class Discard(JobControl):
    """Drop the job on purpose: it is not retried and not a dead letter.

    Args:
        reason: why, for operators.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Cancel(JobControl):
    """End the job as cancelled, typically after ``context.cancelled`` became true.

    Args:
        reason: why, for operators.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
