"""django-ox: a backend of ``django.tasks`` in the site's own database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contract import Commands, count_job

# isort: split
from django.core.management import call_command
from django_site import configure, migrate

NAME = "django-ox"
PACKAGES = ["django-ox", "psycopg[binary]"]
PYTHON = "3.12"
NEEDS = ["postgres"]
SETTINGS = (
    "`ox_worker --concurrency 4` (its guide on production), interval 1 s (default), no log line "
    "per task, CONN_MAX_AGE=None (its documentation claims its speed with persistent connections); "
    "2 processes"
)
PROCESSES = 2
REMAINING_SQL = "SELECT count(*) FROM django_ox_oxtask WHERE status IN ('READY', 'RUNNING')"
DRAIN_JOBS = 2_000


def bulk(chunks: Iterable[Sequence[int]]) -> None:
    """One ``enqueue_many`` per chunk."""
    for chunk in chunks:
        enqueue_many(noop, [((argument,), {}) for argument in chunk])


def work(slot: int) -> None:
    """One worker."""
    count_job.open(slot)
    call_command("ox_worker", concurrency=4, verbosity=0)


if __name__ == "__main__":
    backend = {"BACKEND": "django_ox.backend.OxBackend"}
    configure("django_ox", TASKS={"default": backend})

    from django_ox.bulk import enqueue_many
    from django_task_jobs import enqueue, noop

    Commands(prepare=migrate, enqueue=enqueue, work=work, bulk=bulk).run()
