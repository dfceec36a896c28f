"""How the doctor behaves: reads little, never writes, waits, raises or tells secrets."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from typing import Any

import pytest
from django.db import DatabaseError, InternalError, connection, transaction

from django_jobs.doctor import Condition, examine, patient
from django_jobs.doctor.examination import failed
from django_jobs.doctor.examining import EXAMINATIONS
from django_jobs.models import Job
from django_jobs.states import Status
from tests.doctor.conftest import live_worker
from tests.factories import JobFactory, ago
from tests.harness.environment import ROOT, subprocess_environment

on_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's limits")

READS = ("SELECT", "SHOW", "PRAGMA", "SAVEPOINT", "RELEASE", "ROLLBACK TO")
READS += ("SET LOCAL", "SET TRANSACTION READ ONLY")


def test_every_row_has_a_name_of_its_own() -> None:
    names = [one.check for one in EXAMINATIONS]
    assert len(set(names)) == len(names)


@pytest.mark.django_db(transaction=True)
def test_a_healthy_site_has_no_problem() -> None:
    live_worker()
    JobFactory()
    bad = [one for one in examine() if one.condition is Condition.PROBLEM]
    assert bad == []


Statement = tuple[str, Any]


def statements_of_an_examination() -> list[Statement]:
    """Every statement with its parameters, but for those that begin and end transactions."""
    seen: list[Statement] = []

    def note(execute: Any, sql: str, parameters: Any, *rest: Any) -> Any:
        seen.append((sql, parameters))
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(note):
        list(examine())
    return seen


@pytest.mark.usefixtures("any_status")
def test_it_only_reads_and_as_little_with_many_jobs() -> None:
    live_worker()
    JobFactory(queue="bulk")
    few = statements_of_an_examination()
    JobFactory.create_batch(50, queue="bulk")
    JobFactory.create_batch(50, queue="bulk", status=Status.COMPLETED)
    many = statements_of_an_examination()
    assert len(many) == len(few)
    texts = [sql.strip().lstrip("(").upper() for sql, _ in many]
    assert [one for one in texts if not one.startswith(READS)] == []
    assert not any("FOR UPDATE" in one for one in texts)


@pytest.mark.usefixtures("any_status")
@pytest.mark.skipif("connection.vendor == 'mysql'", reason="its plans are told in other words")
def test_it_never_reads_the_whole_table() -> None:
    live_worker()
    for status in (Status.COMPLETED, Status.FAILED):
        ended = {"job_name": "tests.add", "status": status, "completed_at": ago(days=3)}
        Job.objects.bulk_create(Job(**ended) for _ in range(5000))
    JobFactory.create_batch(5, queue="bulk")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    about_jobs = [
        one for one in statements_of_an_examination() if 'FROM "django_jobs_job"' in one[0]
    ]
    assert len(about_jobs) > 5
    for statement in about_jobs:
        assert not _reads_all(_plan(*statement)), statement


def _plan(sql: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(row) for row in cursor.fetchall())


def _reads_all(plan: str) -> bool:
    if connection.vendor == "sqlite":
        whole = re.compile(r"SCAN (?!part_)(?!.* USING )")  # a part was read by a SEARCH of its own
        return any(whole.search(line) for line in plan.splitlines())
    return "Seq Scan on django_jobs_job" in plan


@on_postgres
@pytest.mark.django_db
def test_inside_the_callers_transaction_it_leaves_no_limits_behind() -> None:
    with transaction.atomic():
        JobFactory()
        list(examine())
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            assert cursor.fetchone()[0] == "0"
        JobFactory()
    assert Job.objects.count() == 2


@on_postgres
@pytest.mark.django_db
def test_it_could_not_write_if_it_tried() -> None:
    with pytest.raises(InternalError, match="read-only"), patient.Patient().undisturbed():
        JobFactory()
    assert not Job.objects.exists()


@on_postgres
def test_it_waits_for_nobody(other_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient, "LOCK_TIMEOUT", 50)
    with other_session.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE django_jobs_job IN ACCESS EXCLUSIVE MODE")
    started = time.monotonic()
    findings = {one.check: one for one in examine()}
    assert time.monotonic() - started < 10
    assert findings["lost jobs"].condition is Condition.WARN
    assert findings["lost jobs"].found.startswith("could not be examined: OperationalError: ")
    assert "lock timeout" in findings["lost jobs"].found
    assert "\n" not in findings["lost jobs"].found
    # The others were examined all the same.
    assert findings["autovacuum"].found.startswith("on")


@pytest.mark.django_db
def test_whatever_breaks_is_a_row(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    class Broken:
        def db_for_write(self, *_: Any, **__: Any) -> str:
            raise RuntimeError("the router is broken")

    settings.DATABASE_ROUTERS = [Broken()]
    checks, answer = examine()
    assert checks.found.startswith("could not be examined: RuntimeError: the router is broken")
    assert answer.condition is Condition.PROBLEM


@pytest.mark.django_db
def test_missing_tables_are_no_fault_of_the_server() -> None:
    with pytest.raises(DatabaseError) as raised, transaction.atomic():
        connection.cursor().execute("SELECT 1 FROM django_jobs_nowhere")
    assert "see the row “migrations”" in failed(raised.value).fix
    assert "refused to answer" in failed(DatabaseError("server closed the connection")).fix


@pytest.mark.usefixtures("any_status")
def test_it_tells_nothing_of_what_is_in_a_job() -> None:
    secret = {"params": {"card": "CANARY"}, "error": "CANARY", "unique_key": "CANARY-key"}
    JobFactory(job_name="tests.gone", **secret)
    JobFactory(status=Status.FAILED, result="CANARY", **{**secret, "unique_key": None})
    JobFactory(status=Status.RUNNING, worker_expires_at=ago(hours=1), error="CANARY")
    assert not any("CANARY" in f"{one.found} {one.fix}" for one in examine())


def test_a_database_that_is_not_there_is_one_row() -> None:
    environment = {
        **subprocess_environment(),
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "jobs_doctor"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok       system checks")
    assert lines[1].startswith("problem  database              does not answer: OperationalError")
    assert len(lines) == 3
    assert "Traceback" not in done.stderr
