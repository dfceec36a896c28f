"""What operators read: counts, depths, durations. For people and metrics, not for the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Min, Q
from django.db.models.functions import Now

from django_jobs.models import Job, Queue
from django_jobs.states import LIVE, Status
from django_jobs.stores import active_store


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The live jobs of a queue.

    Attributes:
        name: of the queue.
        paused: whether workers leave it alone.
        pending, scheduled, retrying, running: numbers of jobs.
        oldest_pending: since when the job that waits longest has been due.
    """

    name: str
    paused: bool
    pending: int
    scheduled: int
    retrying: int
    running: int
    oldest_pending: datetime | None


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """How often one job ended in one status.

    Attributes:
        job_name: registered name.
        status: a :class:`~django_jobs.states.Status` value.
        count: number of jobs.
        mean_duration: mean seconds from claim to end; ``None`` if none has ended.
    """

    job_name: str
    status: str
    count: int
    mean_duration: float | None


def job_counts(queue: str | None = None) -> dict[str, int]:
    """Number of jobs by status, of one queue or of all; statuses without jobs are 0."""
    counted = active_store().count_by_state(queue)
    return {status: counted.get(status, 0) for status in Status.values}


def queue_depths() -> list[QueueDepth]:
    """The queues that have live jobs or a row, by name."""
    live = (
        Job.objects.live()
        .values("queue")
        .annotate(
            oldest=Min("scheduled_for", filter=Q(status=Status.PENDING)),
            **{str(status): Count("id", filter=Q(status=status)) for status in sorted(LIVE)},
        )
    )
    by_name: dict[str, Any] = {row["queue"]: row for row in live}
    paused = dict(Queue.objects.values_list("name", "paused_at"))
    return [
        QueueDepth(
            name=name,
            paused=paused.get(name) is not None,
            pending=by_name.get(name, {}).get("pending", 0),
            scheduled=by_name.get(name, {}).get("scheduled", 0),
            retrying=by_name.get(name, {}).get("retrying", 0),
            running=by_name.get(name, {}).get("running", 0),
            oldest_pending=by_name.get(name, {}).get("oldest"),
        )
        for name in sorted({*by_name, *paused})
    ]


def job_statistics(queue: str | None = None) -> list[JobStatistics]:
    """Count and mean duration per job and status, of one queue or of all (ledger J14)."""
    duration = ExpressionWrapper(
        F("completed_at") - F("worker_started_at"), output_field=DurationField()
    )
    jobs = Job.objects.all() if queue is None else Job.objects.for_queue(queue)
    rows = (
        jobs.values_list("job_name", "status")
        .annotate(count=Count("id"), mean=Avg(duration))
        .order_by("job_name", "status")
    )
    return [
        JobStatistics(name, status, count, None if mean is None else mean.total_seconds())
        for name, status, count, mean in rows
    ]


def failure_rate(hours: float = 1, queue: str | None = None) -> float | None:
    """Share of failed among completed and failed jobs of the last hours, 0 to 1.

    Args:
        hours: how far to look back.
        queue: only this one; all when omitted.

    Returns:
        ``None`` if none ended.
    """
    since = Now() - timedelta(hours=hours)
    jobs = Job.objects.all() if queue is None else Job.objects.for_queue(queue)
    ended = jobs.filter(
        status__in=[Status.COMPLETED, Status.FAILED], completed_at__gte=since
    ).aggregate(total=Count("id"), failed=Count("id", filter=Q(status=Status.FAILED)))
    return ended["failed"] / ended["total"] if ended["total"] else None
