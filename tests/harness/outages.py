"""Ways of a database to refuse, and what tests say about workers that meet them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.db import connection

from django_jobs.models import Job
from tests.harness.waiting import wait_until
from tests.harness.workers import WorkerProcess

only_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a file has no server that could do so"
)

#: Sessions of others on the test database.
OTHERS = (
    "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)

LOCK = {
    "postgresql": "BEGIN; LOCK TABLE django_jobs_job",
    "sqlite": "BEGIN IMMEDIATE",
    "mysql": "LOCK TABLES django_jobs_job WRITE",
}
#: What each says to those who wait too long for that.
REFUSAL = {
    "postgresql": "statement timeout",
    "sqlite": "database is locked",
    "mysql": "max_statement_time exceeded",
}


def run(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def terminate_others() -> None:
    run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}")


@contextmanager
def read_only() -> Iterator[None]:
    """New sessions can't write, and there are no old ones."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        terminate_others()
        yield
    finally:
        run(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@contextmanager
def table_locked() -> Iterator[None]:
    """Another session holds the table of jobs; on SQLite the whole database."""
    with closing(connection.copy("locker")) as other, other.cursor() as cursor:
        cursor.execute(LOCK[other.vendor])
        try:
            yield
        finally:
            cursor.execute("UNLOCK TABLES" if other.vendor == "mysql" else "ROLLBACK")


@contextmanager
def disk_full() -> Iterator[None]:
    """No job can complete, although claims go on."""
    run(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE UPDATE ON django_jobs_job FOR EACH ROW
        WHEN (NEW.status = 'completed') EXECUTE FUNCTION refuse()"""
    )
    try:
        yield
    finally:
        run("DROP TRIGGER full_disk ON django_jobs_job; DROP FUNCTION refuse()")


def says(worker: WorkerProcess, text: str, times: int = 1) -> None:
    wait_until(lambda: worker.output.count(text) >= times, 40, f"{text!r} in {worker.output}")


def one_attempt(job: Job) -> bool:
    job.refresh_from_db()
    return (job.attempt_count, job.failure_count, job.crash_count) == (1, 0, 0)
