"""A table of jobs that is not small, and one row of everything that has a page."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from django_jobs.models import CronJob, FailureGroup, Job, JobAudit, Queue, Worker, WorkerProcess
from django_jobs.states import Status
from tests.factories import CronJobFactory, QueueFactory, WorkerFactory, WorkerProcessFactory

#: A fortnight of jobs.
ROWS = 60_000
FINGERPRINT = "0123456789abcdef"

#: Scene → status by number. So many jobs are due, delayed or failed in a crowd that a database
#: may think of reading the whole table instead.
SCENES = {
    "quiet": "CASE WHEN number % 10000 = 0 THEN 'pending' WHEN number % 10000 = 1 THEN 'running' "
    "WHEN number % 10000 = 2 THEN 'scheduled' WHEN number % 10000 = 4 THEN 'retrying' "
    "WHEN number % 50 = 3 THEN 'failed' ELSE 'completed' END",
    "crowded": "CASE WHEN number % 16 < 5 THEN 'pending' WHEN number % 16 = 5 THEN 'failed' "
    "WHEN number % 16 = 6 THEN 'scheduled' WHEN number % 16 = 7 THEN 'retrying' "
    "WHEN number % 160 = 8 THEN 'running' ELSE 'completed' END",
}

_FILL = f"""
INSERT INTO django_jobs_job (
    id, job_name, queue, priority, params, tags, status, progress, progress_message, error,
    scheduled_for, max_attempts, attempt_count, failure_count, crash_count, lease, fingerprint,
    correlation_id, created_at, updated_at, completed_at, worker_expires_at, worker_process
)
SELECT
    (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || '70008000' || lpad(to_hex(number), 12, '0'))::uuid,
    CASE WHEN number % 10 = 1 AND status <> 'failed' THEN 'long.gone' ELSE 'tests.add' END,
    'queue-' || number % 4, 0, '{{}}', '[]', status, 0, '',
    CASE status WHEN 'failed' THEN repeat('Traceback ', 50) ELSE '' END,
    moment, 3, 1, 0, 0, 1, CASE status WHEN 'failed' THEN '{FINGERPRINT}' ELSE '' END,
    CASE WHEN number % 3 = 0 THEN 'import-' || number ELSE '' END, moment, moment,
    CASE WHEN status IN ('completed', 'failed') THEN moment END,
    CASE status WHEN 'running' THEN moment END, CASE status WHEN 'running' THEN %s::uuid END
FROM (
    SELECT number, {{status}} AS status, now() - ({ROWS} - number) * interval '20 seconds' AS moment
    FROM generate_series(1, {ROWS}) AS number
) AS numbers
"""


@dataclass(frozen=True)
class Crowd:
    """What has a page of its own."""

    jobs: list[Job]
    queue: Queue
    worker: Worker
    gone: Worker
    schedule: CronJob
    failure: FailureGroup
    entry: JobAudit


def make_crowd(scene: str) -> Crowd:
    """Fill PostgreSQL's tables; needs the fixture ``any_status``."""
    worker = WorkerFactory(queues={f"queue-{n}": 5 for n in range(4)}, state="running")
    process, *_ = WorkerProcessFactory.create_batch(3, worker=worker)
    _fill(SCENES[scene], process)
    return Crowd(
        jobs=_some_jobs(),
        queue=QueueFactory(name="queue-1"),
        worker=worker,
        gone=WorkerFactory(state="stopped"),
        schedule=CronJobFactory(),
        failure=FailureGroup.objects.create(fingerprint=FINGERPRINT, job_name="tests.add"),
        entry=JobAudit.objects.create(actor="ann", action="retry", target="1", count=1),
    )


def _fill(status: str, process: WorkerProcess) -> None:
    sql = _FILL.replace("{status}", status).replace("number % ", "number %% ")
    with connection.cursor() as cursor:
        cursor.execute(sql, [process.pk])
        cursor.execute("ANALYZE django_jobs_job")
        # As on disks of this century; a twelfth of a table is otherwise a close decision.
        cursor.execute("SET LOCAL random_page_cost = 1.1")


def _some_jobs() -> list[Job]:
    """The last of every status, and the first of those that wait."""
    pending = Job.objects.pending().in_claim_order()
    statuses = [Status.RUNNING, Status.SCHEDULED, Status.RETRYING, Status.FAILED, Status.COMPLETED]
    lasts = [Job.objects.filter(status=status).order_by("pk").last() for status in statuses]
    return [job for job in (pending.first(), pending.last(), *lasts) if job is not None]
