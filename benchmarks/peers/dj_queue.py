"""dj_queue: a backend of ``django.tasks`` in the site's own database, after Solid Queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO

from contract import Commands, count_job

# isort: split
from django.core.management import call_command
from django.db import connection
from django_site import configure, migrate

NAME = "dj_queue"
PACKAGES = ["dj-queue[postgres]", "psycopg[binary]"]
PYTHON = "3.12"
NEEDS = ["postgres"]
SETTINGS = (
    "one supervisor of 2 worker processes with 8 threads each (the example of its documentation), "
    "prefetch_multiplier 20 (faster than the default of 2), CONN_MAX_AGE=None and autovacuum as "
    "its guide on PostgreSQL advises; successful jobs are kept (default; to delete them, as the "
    "guide also advises, cost two thirds of the speed)"
)
PROCESSES = 1
REMAINING_SQL = (
    "SELECT (SELECT count(*) FROM dj_queue_ready_executions)"
    " + (SELECT count(*) FROM dj_queue_claimed_executions)"
)
DRAIN_JOBS = 5_000

WORKERS = {"queues": "*", "processes": 2, "threads": 8, "prefetch_multiplier": 20}


def prepare() -> None:
    """Make the tables, with the settings of autovacuum that the documentation recommends."""
    migrate()
    output = StringIO()
    call_command("dj_queue_postgres_autovacuum", stdout=output)
    with connection.cursor() as cursor:
        cursor.execute(output.getvalue())


def bulk(chunks: Iterable[Sequence[int]]) -> None:
    """One ``enqueue_all`` per chunk."""
    backend = noop.get_backend()
    for chunk in chunks:
        backend.enqueue_all([(noop, [argument], {}) for argument in chunk])


def work(slot: int) -> None:
    """One supervisor, whose worker processes count in one slot."""
    count_job.open(slot, forks=True)
    call_command("dj_queue", skip_recurring=True)


if __name__ == "__main__":
    backend = {"BACKEND": "dj_queue.backend.DjQueueBackend", "OPTIONS": {"workers": [WORKERS]}}
    configure("dj_queue", TASKS={"default": backend})

    from django_task_jobs import enqueue, noop

    Commands(prepare=prepare, enqueue=enqueue, work=work, bulk=bulk).run()
