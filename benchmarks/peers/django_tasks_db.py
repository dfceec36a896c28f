"""django-tasks-db: the reference backend of ``django.tasks`` for the site's own database."""

from __future__ import annotations

from contract import Commands, count_job

# isort: split
from django.core.management import call_command
from django_site import configure, migrate

NAME = "django-tasks-db"
PACKAGES = ["django-tasks-db", "psycopg[binary]"]
PYTHON = "3.12"
NEEDS = ["postgres"]
SETTINGS = (
    "`db_worker` as documented, one thread per process, interval 1 s (default), no log line per "
    "job; CONN_MAX_AGE=None, since it closes expired connections between any two jobs (Django's "
    "guide on databases); 2 processes"
)
PROCESSES = 2
# Not those that run, one per worker: no index finds them.
REMAINING_SQL = "SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status = 'READY'"
DRAIN_JOBS = 2_000


def work(slot: int) -> None:
    """One worker."""
    count_job.open(slot)
    call_command("db_worker", startup_delay=False, verbosity=0)


if __name__ == "__main__":
    backend = {"BACKEND": "django_tasks_db.DatabaseBackend"}
    configure("django_tasks_db", TASKS={"default": backend})

    from django_task_jobs import enqueue

    Commands(prepare=migrate, enqueue=enqueue, work=work).run()
