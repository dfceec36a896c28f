"""``JobContext``: what a running job may ask and tell."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, router

from django_jobs.exceptions import Cancel
from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.reporting import Reporter
from django_jobs.stores.records import ClaimedJob

if TYPE_CHECKING:
    from uuid import UUID

    from django.db.backends.base.base import BaseDatabaseWrapper


class JobLogger:
    """``context.log``: lines that are kept with the attempt and shown in the admin."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def info(self, message: str, **data: Any) -> None:
        """Keep a line with optional data."""
        self._reporter.line("info", message, data)

    def warning(self, message: str, **data: Any) -> None:
        """Keep a line about something odd."""
        self._reporter.line("warning", message, data)

    def error(self, message: str, **data: Any) -> None:
        """Keep a line about something that went wrong."""
        self._reporter.line("error", message, data)


class JobContext:
    """Given to a job whose first parameter is annotated ``JobContext`` or named ``context``.

    Attributes:
        job_id: id of the job.
        job_name: registered name of the job.
        attempt: number of this attempt, from 1.
    """

    def __init__(self, job: ClaimedJob, reporter: Reporter) -> None:
        self._job = job
        self._reporter = reporter
        self.job_id: UUID = job.id
        self.job_name = job.job_name
        self.attempt = job.attempt

    @property
    def has_row(self) -> bool:
        """Whether others can find the job: not one of ``persist=False``, nor of a unit test."""
        return self._job.lease > 0

    @property
    def correlation_id(self) -> str:
        """Shared by related jobs; jobs enqueued inside this one inherit it."""
        return self._job.correlation_id or str(self.job_id)

    @property
    def log(self) -> JobLogger:
        """Keeps lines with this attempt."""
        return JobLogger(self._reporter)

    def update_progress(self, percent: float, message: str | None = None) -> None:
        """Tell how far the job is; others see it within a second.

        Also while the job has a transaction open, except on SQLite, whose only writer it then
        is, and under ``now()``: there it shows when the transaction has ended.

        Args:
            percent: 0 to 100; anything else is clamped.
            message: a short text; the previous one stays when omitted.
        """
        self._reporter.progress(percent, message)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this job to stop; look at it between steps."""
        return self._reporter.cancelled

    def raise_if_cancelled(self) -> None:
        """End the job as cancelled if somebody asked for it.

        Raises:
            Cancel: ends the job; let it pass.
        """
        if self.cancelled:
            raise Cancel("cancel requested")

    @property
    def database(self) -> BaseDatabaseWrapper:
        """The connection of this thread to the database that holds the jobs."""
        return connections[router.db_for_write(Job)]


#: The context of the job that runs in this thread or task, if any.
current_context: Final[ContextVar[JobContext | None]] = ContextVar(
    "django_jobs_context", default=None
)


def stand_alone_context(job_name: str) -> JobContext:
    """A context for a plain call in a unit test: it keeps everything and writes nothing."""
    job = ClaimedJob(
        id=uuid7(),
        job_name=job_name,
        queue="",
        params={},
        lease=0,
        attempt=1,
        failure_count=0,
        max_attempts=1,
        timeout=None,
        correlation_id="",
    )
    return JobContext(job, Reporter(job))
