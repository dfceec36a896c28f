"""A site with a history: a million jobs and what services and people left beside them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from django_jobs.models import (
    CronJob,
    CronSlot,
    Job,
    JobAudit,
    JobRollup,
    Period,
    Queue,
    QueueSample,
    Worker,
    WorkerProcess,
)

#: Seconds between two jobs.
PACE: Final = 2
QUEUES: Final = ("default", "mail", "reports", "imports")
NAMES: Final = tuple(f"site.job{number}" for number in range(20))

#: Column → what a job has there, as SQL over its number and its moment.
_JOB: Final = {
    "id": "(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')"
    " || '70008000' || lpad(to_hex(number), 12, '0'))::uuid",
    "job_name": "'site.job' || number % 20",
    "queue": "(ARRAY['default', 'mail', 'reports', 'imports'])[number % 4 + 1]",
    "params": """jsonb_build_object('number', number, 'region', 'CA')""",
    "tags": "CASE WHEN number % 10 = 0 THEN '[\"import\"]'::jsonb ELSE '[]'::jsonb END",
    "status": "status",
    "progress": "CASE status WHEN 'completed' THEN 100 WHEN 'running' THEN number % 100 ELSE 0 END",
    "error": "CASE WHEN status IN ('failed', 'retrying') THEN E'Traceback (most recent call last):"
    "\\n  File \"site.py\", line 1, in run\\nValueError: no ' || number % 500 ELSE '' END",
    "scheduled_for": "CASE WHEN status IN ('scheduled', 'retrying')"
    " THEN now() + number * interval '1 second' ELSE moment END",
    "worker_started_at": "moment + interval '1 second'",
    "worker_expires_at": "CASE status WHEN 'running' THEN now() + interval '1 hour' END",
    "completed_at": "CASE WHEN status IN ('completed', 'failed', 'discarded', 'cancelled')"
    " THEN moment + interval '5 seconds' END",
    "created_at": "moment",
    "updated_at": "moment",
    "attempt_count": "1",
    "failure_count": "CASE status WHEN 'failed' THEN 3 ELSE 0 END",
    "correlation_id": "CASE WHEN number % 3 = 0 THEN 'order-' || number / 30 ELSE '' END",
    "fingerprint": "CASE status WHEN 'failed' THEN lpad(to_hex(number % 500), 16, '0') ELSE '' END",
}

_FROM: Final = """
FROM (
    SELECT number, now() - (%(jobs)s - number) * %(pace)s * interval '1 second' AS moment,
        CASE WHEN number %% 50 = 7 THEN 'failed' WHEN number %% 50 = 8 THEN 'scheduled'
            WHEN number %% 1000 = 11 THEN 'retrying' WHEN number %% 20 = 9 THEN 'pending'
            WHEN number %% 1000 = 12 THEN 'discarded' WHEN number %% 1000 = 13 THEN 'cancelled'
            WHEN number %% 10000 = 14 THEN 'running' ELSE 'completed' END AS status
    FROM generate_series(1, %(jobs)s) AS number
) AS numbers
"""

_TRANSITIONS: Final = """
INSERT INTO django_jobs_jobtransition
    (job_id, from_status, to_status, at, attempt, lease, actor, reason, error)
SELECT id, 'pending', 'running', created_at, 1, 1, 'worker:web1', '', '' FROM django_jobs_job
UNION ALL
SELECT id, 'running', status, updated_at, 1, 1, 'worker:web1', '', error FROM django_jobs_job
WHERE completed_at IS NOT NULL
"""


def build(jobs: int) -> None:
    """Fill an empty, migrated database."""
    columns = _columns()
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(text.replace("%", "%%") for text in columns.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO django_jobs_job ({names}) SELECT {values} {_FROM}",
            {"jobs": jobs, "pace": PACE},
        )
        cursor.execute(_TRANSITIONS)
    _history()
    _operators()
    _workers()
    _schedules()
    _failures()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _columns() -> dict[str, str]:
    """Every column of a job, with its default where nothing is said of it."""
    plain = Job(status="completed")
    columns: dict[str, str] = {}
    for field in Job._meta.concrete_fields:
        column = str(field.column)
        if column in _JOB:
            columns[column] = _JOB[column]
        elif field.db_default is models.NOT_PROVIDED:
            columns[column] = _literal(getattr(plain, field.attname))
    return columns


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _history() -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    hours = [(Period.HOUR, now.replace(minute=0) - timedelta(hours=n)) for n in range(3, 720)]
    minutes = [(Period.MINUTE, now - timedelta(minutes=n)) for n in range(180)]
    JobRollup.objects.bulk_create(
        [
            JobRollup(
                period=period,
                start=start,
                job_name=name,
                queue=QUEUES[number % 4],
                outcome=outcome,
                count=period // 60,
                run_total=period / 10,
                wait_total=period / 60,
                run_histogram={str(bucket): period // 60 for bucket in range(15, 25)},
                wait_histogram={str(bucket): period // 60 for bucket in range(8, 18)},
            )
            for period, start in hours + minutes
            for number, name in enumerate(NAMES)
            for outcome in ("completed", "failed")
        ],
        batch_size=5000,
    )
    QueueSample.objects.bulk_create(
        QueueSample(start=now - timedelta(minutes=n), queue=queue, pending=n % 97 * 100, running=5)
        for n in range(25 * 60)
        for queue in QUEUES
    )


def _operators() -> None:
    entries = [
        JobAudit(actor="ann", source="admin", action="retry", target=str(number), count=1)
        for number in range(50_000)
    ]
    JobAudit.objects.bulk_create(entries, batch_size=5000)
    Queue.objects.bulk_create(Queue(name=name) for name in QUEUES)
    Queue.objects.filter(name="reports").update(
        paused_at=timezone.now(), paused_by="ann", pause_reason="the printer burns"
    )


def _workers() -> None:
    now = timezone.now()
    for number in range(16):
        worker = Worker.objects.create(
            name=f"web{number}",
            queues=dict.fromkeys(QUEUES, 10),
            state="running",
            host=f"host{number % 4}",
            started_at=now,
            last_heartbeat_at=now if number else now - timedelta(hours=1),
        )
        WorkerProcess.objects.bulk_create(
            WorkerProcess(worker=worker, pid=pid, host=worker.host, memory=90_000_000)
            for pid in range(2)
        )


def _schedules() -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    for number in range(20):
        schedule = CronJob.objects.create(
            name=f"every-{number}",
            job_name=NAMES[number],
            cron_expression="*/5 * * * *",
            next_run_at=now + timedelta(minutes=5),
        )
        CronSlot.objects.bulk_create(
            CronSlot(cron_job=schedule, slot_at=now - timedelta(minutes=5 * n), outcome="fired")
            for n in range(1000)
        )


def _failures() -> None:
    model: Any = apps.all_models["django_jobs"].get("failuregroup")
    if model is None:
        return
    now = timezone.now()
    model.objects.bulk_create(
        model(
            fingerprint=f"{number:016x}",
            job_name=NAMES[number % 20],
            exception_type="builtins.ValueError",
            frame="site.run",
            message=f"no {number}",
            count=40,
            first_seen_at=now - timedelta(days=20),
            last_seen_at=now - timedelta(minutes=number),
        )
        for number in range(500)
    )
