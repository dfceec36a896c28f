"""Waiting for a job's end: ``job.wait()`` and ``await job.await_result()``."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Self, cast

from asgiref.sync import sync_to_async
from django.db import router

from django_jobs.codec import active_codec
from django_jobs.exceptions import WaitTimeout
from django_jobs.registry import registry
from django_jobs.result import JobMetadata, JobResult
from django_jobs.states import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_jobs.models.job import Job

#: Seconds between two looks at the row: quick at first, then patient.
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5


class Awaitable:
    """What a :class:`~django_jobs.models.Job` can tell whoever waits for it."""

    def wait(self, timeout: float | None = None) -> Self:
        """Block until the job ended, then return it, refreshed.

        Don't call it inside the transaction that enqueued the job: no worker can see the row yet.

        Args:
            timeout: seconds; ``None`` waits for ever.

        Raises:
            WaitTimeout: the job has not ended in time; it goes on.
        """
        for pause in self._pauses(timeout):
            if self._look().is_finished:
                return self
            time.sleep(pause)
        raise self._gave_up(timeout)

    async def await_result(self, timeout: float | None = None) -> JobResult[Any]:
        """Wait without blocking the event loop until the job ended; return its result.

        Args:
            timeout: seconds; ``None`` waits for ever.

        Raises:
            WaitTimeout: the job has not ended in time; it goes on.
        """
        for pause in self._pauses(timeout):
            if (await sync_to_async(self._look)()).is_finished:
                return self.as_result()
            await asyncio.sleep(pause)
        raise self._gave_up(timeout)

    def as_result(self) -> JobResult[Any]:
        """The outcome as the row tells it; ``data`` is decoded by the job's return type."""
        job = cast("Job", self)
        completed = job.status == Status.COMPLETED
        return JobResult(
            success=completed,
            data=self._decoded() if completed else None,
            error=None if completed else _last_line(job.error) or str(job.get_status_display()),
            metadata=JobMetadata(
                job_id=job.id,
                job_name=job.job_name,
                status=job.status,
                attempt=job.attempt_count,
                duration=self._duration(),
                correlation_id=job.correlation_id or str(job.id),
            ),
        )

    def _decoded(self) -> Any:
        job = cast("Job", self)
        stored = active_codec().decode(job.result)
        definition = registry.find(job.job_name)
        return stored if definition is None else definition.result_schema.decode(stored)

    def _duration(self) -> float | None:
        job = cast("Job", self)
        if job.worker_started_at is None or job.completed_at is None:
            return None
        return (job.completed_at - job.worker_started_at).total_seconds()

    def _look(self) -> Job:
        job = cast("Job", self)
        job.refresh_from_db()
        if job.status == Status.ENQUEUED:
            # It has left the enqueue buffer; what becomes of it is told where it went.
            job.refresh_from_db(using=router.db_for_write(type(job)))
        return job

    def _pauses(self, timeout: float | None) -> Iterator[float]:
        """Yield before each look; end when the time is up."""
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            if deadline is not None:
                pause = min(pause, max(deadline - time.monotonic(), 0.0))
            yield pause
            if deadline is not None and time.monotonic() >= deadline:
                return
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _gave_up(self, timeout: float | None) -> WaitTimeout:
        job = cast("Job", self)
        return WaitTimeout(f"Job {job.id} is still {job.status} after {timeout} seconds.")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
