"""Questions about jobs, as methods that read."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from django.db import models
from django.db.models.functions import Now, TruncMinute

from django_jobs.models.in_status import InStatus
from django_jobs.models.queue import Queue
from django_jobs.models.subjects import HasSubject, subject_of
from django_jobs.states import DELAYED, TERMINAL, WAITING, Status

if TYPE_CHECKING:
    from django_jobs.models.job import Job
else:
    Job = models.Model


#: Jobs with work ahead, in parts that have a partial index each: asked for as one list of
#: statuses they would have PostgreSQL read the whole table.
IS_LIVE: Final = (
    models.Q(status=Status.PENDING) | models.Q(status=Status.RUNNING) | models.Q(InStatus(DELAYED))
)


class JobQuerySet(models.QuerySet["Job"]):
    """``Job.objects``: reads only; the stores write."""

    def for_queue(self, name: str) -> Self:
        """Jobs of one queue."""
        return self.filter(queue=name)

    def named(self, name: str) -> Self:
        """Jobs of one definition."""
        return self.filter(job_name=name)

    def correlated(self, correlation_id: str | UUID) -> Self:
        """The job with this id, or the jobs with this correlation id: it and all it enqueued."""
        related = models.Q(correlation_id=str(correlation_id))
        try:
            return self.filter(related | models.Q(id=UUID(str(correlation_id))))
        except ValueError:
            return self.filter(related)

    def about(self, row: models.Model) -> Self:
        """The jobs that were enqueued with this row as their ``subject``."""
        return self.filter(HasSubject(), subject=subject_of(row))

    def children_of(self, job_id: UUID) -> Self:
        """The jobs that this one enqueued while it ran."""
        return self.filter(parent_id=job_id)

    def observed(self) -> Self:
        """With what decides over each, in one statement: the clock, its queue's pause, its parent.

        Sets ``observed_at``, ``queue_paused_at``, ``queue_paused_by``, ``queue_pause_reason``,
        ``queue_max_running``, ``queue_rate_limit``, ``queue_claims`` (of this minute),
        ``parent_job_name``, ``parent_queue`` and ``parent_status``.
        """
        paused = Queue.objects.filter(name=models.OuterRef("queue"), paused_at__isnull=False)
        limited = Queue.objects.filter(name=models.OuterRef("queue"))
        this_minute = limited.filter(window_start=TruncMinute(Now(), tzinfo=UTC))
        parent = self.model._default_manager.filter(pk=models.OuterRef("parent_id"))
        return self.annotate(
            observed_at=Now(),
            queue_paused_at=models.Subquery(paused.values("paused_at")),
            queue_paused_by=models.Subquery(paused.values("paused_by")),
            queue_pause_reason=models.Subquery(paused.values("pause_reason")),
            queue_max_running=models.Subquery(limited.values("max_running")),
            queue_rate_limit=models.Subquery(limited.values("rate_limit")),
            queue_claims=models.Subquery(this_minute.values("window_claims")),
            parent_job_name=models.Subquery(parent.values("job_name")),
            parent_queue=models.Subquery(parent.values("queue")),
            parent_status=models.Subquery(parent.values("status")),
        )

    def pending(self) -> Self:
        """Jobs that a worker may claim now."""
        return self.filter(status=Status.PENDING)

    def running(self) -> Self:
        """Jobs that a worker holds."""
        return self.filter(status=Status.RUNNING)

    def scheduled(self) -> Self:
        """Jobs that wait for their time."""
        return self.filter(status=Status.SCHEDULED)

    def retrying(self) -> Self:
        """Jobs that failed and wait for their next attempt."""
        return self.filter(status=Status.RETRYING)

    def completed(self) -> Self:
        """Jobs that ended well."""
        return self.filter(status=Status.COMPLETED)

    def failed(self) -> Self:
        """The dead letters: jobs that gave up and wait for an operator."""
        return self.filter(status=Status.FAILED)

    def waiting(self) -> Self:
        """Jobs that wait for their turn or their time."""
        return self.filter(InStatus(WAITING))

    def live(self) -> Self:
        """Jobs with work ahead, running ones included."""
        return self.filter(IS_LIVE)

    def finished(self) -> Self:
        """Jobs that ended, well or not."""
        return self.filter(InStatus(TERMINAL))

    def delayed(self) -> Self:
        """Jobs that carry a future time: scheduled or retrying."""
        return self.filter(InStatus(DELAYED))

    def due(self) -> Self:
        """Jobs that should run now: pending ones, and delayed ones whose time has come."""
        return self.filter(
            models.Q(status=Status.PENDING) | models.Q(InStatus(DELAYED), scheduled_for__lte=Now())
        )

    def stuck(self) -> Self:
        """Running jobs whose lease ran out: their worker was lost."""
        return self.running().filter(worker_expires_at__lt=Now())

    def in_claim_order(self) -> Self:
        """Lower priority number first, then first in, first out."""
        return self.order_by("priority", "scheduled_for", "id")


JobManager = models.Manager.from_queryset(JobQuerySet)
