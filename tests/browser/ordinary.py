"""A site on an ordinary day: something runs, something failed, and there is a yesterday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from django_jobs.admin.overview.kept import keep
from django_jobs.admin.overview.light import NAME, SECONDS, Light
from django_jobs.models import (
    AuditAction,
    AuditSource,
    CronJob,
    CronSlot,
    FailureCount,
    FailureGroup,
    FailureState,
    Job,
    JobAudit,
    JobLog,
    Queue,
    SavedFilter,
    SlotOutcome,
    Worker,
    WorkerState,
)
from django_jobs.states import Status
from testproject.quakes.jobs import daily_report, draw_map, import_chunk, region_report
from testproject.quakes.models import Quake
from testproject.quakes.yesterday import make_up
from tests.factories import (
    CronJobFactory,
    JobFactory,
    QueueFactory,
    TransitionFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ago,
    ahead,
)

FINGERPRINT: Final = "00c0ffee00c0ffee"
TRACEBACK: Final = """Traceback (most recent call last):
  File "/srv/quakes/reports.py", line 41, in build
    raise ValueError(f"There is no region {region!r}.")
ValueError: There is no region 'Califronia'."""


@dataclass(frozen=True)
class Ordinary:
    """What pages are opened for."""

    running: Job
    waiting: Job
    failed: Job
    completed: Job
    failure: FailureGroup
    queue: Queue
    worker: Worker
    schedule: CronJob
    entry: JobAudit
    quake: Quake


def make_ordinary() -> Ordinary:
    """Fill every table as it would be after a day of work; needs the fixture ``any_status``."""
    keep(NAME, SECONDS, Light("warn", "queues", "No worker serves mail.", "Start one.", more=2))
    make_up()
    queue = QueueFactory(
        name="reports",
        paused_at=ago(minutes=20),
        paused_by="boss",
        pause_reason="the disk is full",
        paused_until=ahead(hours=1),
        max_running=4,
        rate_limit=120,
    )
    QueueFactory(name="imports")
    worker, process = _workers()
    failed = _failed()
    running = _running(process.pk, failed)
    completed = _completed()
    waiting = JobFactory(
        job_name=region_report.name,
        queue="reports",
        params={"region": "Texas", "since": "2026-01-01"},
        scheduled_for=ago(minutes=14),
    )
    JobFactory(job_name=draw_map.name, queue="reports", status=Status.SCHEDULED, params={})
    JobFactory(job_name="gone.away", queue="mail", status=Status.RETRYING, failure_count=1)
    schedule = _schedules(completed)
    _audit(failed)
    SavedFilter.objects.create(owner="boss", name="Failed reports", query="q=queue:reports")
    return Ordinary(
        running=running,
        waiting=waiting,
        failed=failed,
        completed=completed,
        failure=_failures(),
        queue=queue,
        worker=worker,
        schedule=schedule,
        entry=JobAudit.objects.get(action=AuditAction.RETRY),
        quake=_quake(),
    )


def _workers() -> tuple[Worker, Any]:
    worker = WorkerFactory(
        name="main",
        queues={"default": 4, "imports": 2, "reports": 2},
        state=WorkerState.RUNNING,
        release="2026.11.4",
        host="web-1",
        started_at=ago(hours=5),
        last_heartbeat_at=ago(seconds=2),
    )
    process = WorkerProcessFactory(
        worker=worker, host="web-1", memory=143_000_000, running_jobs=1, started_at=ago(hours=5)
    )
    silent = WorkerFactory(
        name="night",
        queues={"airports": 2},
        state=WorkerState.RUNNING,
        host="web-2",
        last_heartbeat_at=ago(minutes=9),
    )
    WorkerProcessFactory(worker=silent, host="web-2", last_heartbeat_at=ago(minutes=9))
    return worker, process


def _failed() -> Job:
    job: Job = JobFactory(
        job_name=region_report.name,
        queue="reports",
        params={"region": "Califronia", "since": "2026-01-01"},
        status=Status.FAILED,
        error=TRACEBACK,
        fingerprint=FINGERPRINT,
        attempt_count=2,
        failure_count=2,
        max_attempts=2,
        worker_started_at=ago(minutes=3, seconds=1),
        completed_at=ago(minutes=3),
        correlation_id="order-17",
        tags=["monthly"],
    )
    _tell(job, ("pending", "running", "retrying", "pending", "running", "failed"), minutes=20)
    for level in ("info", "warning", "error"):
        JobLog.objects.create(
            job=job, attempt=2, at=ago(minutes=3), level=level, message=f"a line of {level}"
        )
    return job


def _running(process: Any, parent: Job) -> Job:
    job: Job = JobFactory(
        job_name=import_chunk.name,
        queue="imports",
        params={"first": 0, "count": 100},
        status=Status.RUNNING,
        progress=40,
        progress_message="40 quakes saved",
        attempt_count=1,
        worker_process=process,
        worker_started_at=ago(minutes=1),
        parent_id=parent.pk,
        correlation_id="order-17",
    )
    _tell(job, ("pending", "running"), minutes=5)
    return job


def _completed() -> Job:
    job: Job = JobFactory(
        job_name=region_report.name,
        queue="reports",
        params={"region": "Nevada", "since": "2026-01-01"},
        status=Status.COMPLETED,
        progress=100,
        result={"quake_count": 12, "strongest": [4.5, 4.1]},
        attempt_count=1,
        worker_started_at=ago(minutes=9),
        completed_at=ago(minutes=8),
    )
    _tell(job, ("scheduled", "pending", "running", "completed"), minutes=30)
    return job


def _tell(job: Job, statuses: tuple[str, ...], minutes: int) -> None:
    """The way of a job, its last step a few minutes ago."""
    before, attempt = "", 0
    for number, status in enumerate(statuses):
        attempt += status == Status.RUNNING
        TransitionFactory(
            job=job,
            from_status=before,
            to_status=status,
            at=ago(minutes=minutes - number * (minutes - 1) / len(statuses)),
            attempt=attempt,
            actor="worker:main",
            error=TRACEBACK if status in (Status.RETRYING, Status.FAILED) else "",
        )
        before = status


def _failures() -> FailureGroup:
    states = (FailureState.NEW, FailureState.REGRESSED, FailureState.MUTED, FailureState.RESOLVED)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number, state in enumerate(states):
        fingerprint = f"{number:016x}" if number else FINGERPRINT
        FailureGroup.objects.create(
            fingerprint=fingerprint,
            job_name=region_report.name,
            exception_type="builtins.ValueError",
            frame="quakes.reports.build",
            message="There is no region 'Califronia'.",
            state=state,
            count=30,
            first_seen_at=ago(days=2),
            last_seen_at=ago(minutes=3),
            releases=[
                {
                    "release": "2026.11.4",
                    "count": 30,
                    "first": ago(days=2).isoformat(),
                    "last": ago(minutes=3).isoformat(),
                }
            ],
        )
        for hours in range(1, 20):
            FailureCount.objects.create(
                fingerprint=fingerprint, hour=hour - timedelta(hours=hours), count=hours % 5
            )
    return FailureGroup.objects.get(fingerprint=FINGERPRINT)


def _schedules(job: Job) -> CronJob:
    schedule: CronJob = CronJobFactory(
        name="nightly report",
        job_name=daily_report.name,
        cron_expression="*/15 * * * *",
        timezone="Europe/Berlin",
        next_run_at=ahead(minutes=9),
        last_run_at=ago(minutes=6),
        last_job=job,
        managed_by_code=True,
    )
    CronJobFactory(name="late one", next_run_at=ago(hours=2))
    CronJobFactory(name="own one", enabled=False, next_run_at=None, params={"a": 1})
    minute = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number in range(6):
        fired = number % 3
        CronSlot.objects.create(
            cron_job=schedule,
            slot_at=minute - timedelta(minutes=15 * number),
            outcome=SlotOutcome.FIRED if fired else SlotOutcome.SKIPPED,
            job_id=job.pk if fired else None,
            reason="" if fired else "the previous run has not ended",
        )
    return schedule


def _audit(job: Job) -> None:
    for action, target in (
        (AuditAction.RETRY, f"job:{job.pk}"),
        (AuditAction.PAUSE, "queue:reports"),
        (AuditAction.CHANGE_FAILURE, f"failure:{FINGERPRINT}"),
    ):
        JobAudit.objects.create(
            actor="boss",
            source=AuditSource.ADMIN,
            action=action,
            target=target,
            reason="ticket 4711",
            count=1,
            details={"params": ["region"]},
        )


def _quake() -> Quake:
    return Quake.objects.create(
        usgs_id="us7000",
        magnitude=5.1,
        place="9 km E of Ridgecrest",
        region="California",
        happened_at=ago(days=1),
        latitude=35.6,
        longitude=-117.6,
    )
