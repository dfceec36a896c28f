"""One run of the demo: what it enqueues, and how far it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from django_jobs import Status, operations
from django_jobs.models import Job, JobQuerySet
from testproject.quakes import feed, files
from testproject.quakes.jobs import (
    daily_report,
    find_nearest_airports,
    flaky,
    hopeless,
    import_chunk,
    send_alert,
)
from testproject.quakes.models import Quake

#: Records of the feed per job.
CHUNK: Final = 250

#: Marks the jobs of all runs.
PREFIX: Final = "demo-"


@dataclass(frozen=True)
class Progress:
    """How far the jobs of one definition are.

    Attributes:
        name: of the job, without its module.
        total: number of jobs.
        finished: those that ended.
        share: 0 to 1, with the progress of those that run.
        message: what one of those that run tells.
    """

    name: str
    total: int
    finished: int
    share: float
    message: str


class DemoRun:
    """Enqueues jobs under a correlation id of its own; what they enqueue inherits it."""

    def __init__(self) -> None:
        self.id = f"{PREFIX}{uuid4()}"
        self._reports_started = False

    def start_afresh(self) -> None:
        """Cancel what an interrupted run left waiting, empty the outbox, forget the alerts."""
        left_over = Job.objects.waiting().filter(correlation_id__startswith=PREFIX)
        operations.cancel(left_over, by="demo", reason="left over from an earlier run")
        files.clear()
        Quake.objects.update(alerted_at=None)

    def start_imports(self) -> int:
        """Enqueue the chunks of the feed and the planted failures; return how many jobs."""
        records = len(feed.read_features())
        chunks = [{"first": first, "count": CHUNK} for first in range(0, records, CHUNK)]
        jobs = import_chunk.using(correlation_id=self.id).later_many(chunks)
        flaky.using(correlation_id=self.id).later()
        hopeless.using(correlation_id=self.id).later()
        return len(jobs) + 2

    def start_reports_when_ready(self) -> None:
        """Do what the cron entry does every night, once all quakes and airports are there."""
        needed = [import_chunk.name, find_nearest_airports.name, send_alert.name]
        if self._reports_started or self.jobs().live().filter(job_name__in=needed).exists():
            return
        daily_report.using(correlation_id=self.id).later()
        self._reports_started = True

    def jobs(self) -> JobQuerySet:
        """The jobs of this run."""
        return Job.objects.filter(correlation_id=self.id)

    def is_finished(self) -> bool:
        """Whether nothing of this run is left to do."""
        return self._reports_started and not self.jobs().live().exists()

    def orphans(self) -> JobQuerySet:
        """Jobs of an earlier run whose worker was killed; an alert of ours may be one of them.

        They are rescued when their leases end.
        """
        return (
            Job.objects.live()
            .filter(correlation_id__startswith=PREFIX)
            .exclude(correlation_id=self.id)
        )

    def seconds(self) -> float:
        """From the first job's arrival to the last one's end."""
        ended = self.jobs().exclude(completed_at=None).order_by("completed_at")
        first, last = self.jobs().order_by("created_at").first(), ended.last()
        if first is None or last is None or last.completed_at is None:
            return 0.0
        return (last.completed_at - first.created_at).total_seconds()

    def counts(self) -> dict[str, int]:
        """How many jobs are in which status; statuses without jobs are left out."""
        statuses = self.jobs().values_list("status", flat=True)
        return dict(Counter(statuses).most_common())

    def progress(self) -> list[Progress]:
        """How far each kind of job is, in order of appearance."""
        rows = self.jobs().order_by("created_at", "id")
        by_name: dict[str, list[Job]] = {}
        for job in rows.only("job_name", "status", "progress", "progress_message"):
            by_name.setdefault(job.job_name, []).append(job)
        return [_progress(name, jobs) for name, jobs in by_name.items()]


def _progress(name: str, jobs: list[Job]) -> Progress:
    running = [job for job in jobs if job.status == Status.RUNNING]
    finished = sum(job.is_finished for job in jobs)
    done = finished + sum(job.progress for job in running) / 100
    return Progress(
        name=name.rpartition(".")[2],
        total=len(jobs),
        finished=finished,
        share=done / len(jobs),
        message=_message(running, jobs),
    )


def _message(running: Iterable[Job], jobs: Iterable[Job]) -> str:
    told = next((job.progress_message for job in running if job.progress_message), "")
    retrying = sum(job.status == Status.RETRYING for job in jobs)
    return told or ("failed, will be retried" if retrying else "")
