"""A job with what decides over it, all of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import router

from django_jobs.models import Job


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts, read at ``now`` by the database's clock."""

    job: Job
    now: datetime
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    max_running: int | None
    rate_limit: int | None
    claims: int

    @classmethod
    def of(cls, job: Job) -> Situation:
        """Read it, unless the job was read with it already by ``Job.objects.observed()``.

        Raises:
            Job.DoesNotExist: it was deleted.
        """
        seen: Any = job
        if not hasattr(job, "observed_at"):
            # Where they are written: a replica may be behind.
            seen = Job.objects.using(router.db_for_write(Job)).observed().get(pk=job.pk)
        return cls(
            job=seen,
            now=seen.observed_at,
            paused_at=seen.queue_paused_at,
            paused_by=seen.queue_paused_by or "",
            pause_reason=seen.queue_pause_reason or "",
            max_running=seen.queue_max_running,
            rate_limit=seen.queue_rate_limit,
            claims=seen.queue_claims or 0,
        )

    def since(self, moment: datetime) -> timedelta:
        """How long ago that was."""
        return self.now - moment

    def until(self, moment: datetime) -> timedelta:
        """How far ahead that is."""
        return moment - self.now
