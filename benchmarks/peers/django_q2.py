"""django-q2 on the site's own database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable

from contract import NOOP, STARTED, Commands, count_job, store_start

# isort: split
from django.core.management import call_command
from django_site import configure, migrate

NAME = "django-q2"
PACKAGES = ["django-q2", "psycopg[binary]"]
PYTHON = "3.12"
NEEDS = ["postgres"]
SETTINGS = (
    "one cluster of 2 workers (default: as many as cores), save_limit=-1 (no record of a success; "
    "several times as fast), bulk=50 and queue_limit=100 (many tasks per fetch), a high recycle, "
    "no scheduler, no log line per task; poll 0.2 s (default); CONN_MAX_AGE=None"
)
PROCESSES = 1
REMAINING_SQL = "SELECT count(*) FROM django_q_ormq"
DRAIN_JOBS = 3_000

CLUSTER = {
    "name": "peer",
    "orm": "default",
    "workers": 2,
    "bulk": 50,
    "queue_limit": 100,
    "recycle": 100_000,
    "save_limit": -1,
    "scheduler": False,
    "timeout": 60,
    "retry": 120,
    "log_level": "ERROR",
}


def noop(argument: int) -> None:
    """The job of drains."""
    count_job(argument)


def started(argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One ``async_task`` per job, in autocommit."""
    from django_q.tasks import async_task

    wanted = {NOOP: noop, STARTED: started}[job]
    for argument in arguments:
        async_task(wanted, argument)


def work(slot: int) -> None:
    """One cluster, whose worker processes count in one slot."""
    count_job.open(slot, forks=True)
    call_command("qcluster")


if __name__ == "__main__":
    # Its processes must be copies of this one, to know the slot.
    multiprocessing.set_start_method("fork")
    configure("django_q", Q_CLUSTER=CLUSTER)
    Commands(prepare=migrate, enqueue=enqueue, work=work).run()
