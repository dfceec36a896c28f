"""What the doctor sees of the database: each bad state is made, and found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from django_jobs.checks import disks
from django_jobs.doctor import Condition, connections, postgres, sqlite
from django_jobs.doctor.patient import Patient
from django_jobs.models import Job
from tests.doctor.conftest import Diagnose, live_worker
from tests.factories import JobFactory
from tests.harness.environment import needs_session
from tests.harness.waiting import wait_until
from tests.scenes import Configure

on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="about SQLite's set-up")
on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="about PostgreSQL's sessions and statistics"
)


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


# Any database


@pytest.mark.django_db
def test_a_bad_setting(diagnose: Diagnose, configure: Configure) -> None:
    configure(LEASES=5)
    finding = diagnose("system checks")
    assert finding.condition is Condition.PROBLEM
    assert finding.found.startswith("E001 LEASES (settings.DJANGO_JOBS['LEASES']): ")
    assert finding.fix == "Did you mean LEASE?"
    # The others go by the defaults.
    assert diagnose("lost jobs").condition is Condition.OK


@pytest.mark.django_db
def test_a_missing_migration(diagnose: Diagnose) -> None:
    assert diagnose("migrations").condition is Condition.OK
    MigrationRecorder(connection).record_unapplied("django_jobs", "0002_lean_indexes")
    finding = diagnose("migrations")
    assert (finding.condition, finding.found) == (
        Condition.PROBLEM,
        "not applied: 0002_lean_indexes",
    )
    assert "manage.py migrate" in finding.fix


@pytest.mark.skipif("connection.vendor == 'mysql'", reason="there it holds for the whole server")
@needs_session
@pytest.mark.django_db(transaction=True)
def test_a_database_that_only_reads(diagnose: Diagnose) -> None:
    assert diagnose("writable").condition is Condition.OK
    on_sqlite = connection.vendor == "sqlite"
    execute("PRAGMA query_only = 1" if on_sqlite else "SET default_transaction_read_only = on")
    try:
        finding = diagnose("writable")
    finally:
        execute("PRAGMA query_only = 0" if on_sqlite else "RESET default_transaction_read_only")
    assert finding.condition is Condition.PROBLEM
    assert "cannot be written" in finding.found


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("offset", "condition", "words"),
    [
        (0, Condition.OK, "within 0.1 s"),
        (-20, Condition.WARN, "this machine is 20 s behind the database"),
        (20, Condition.WARN, "this machine is 20 s ahead of the database"),
        (7300, Condition.PROBLEM, "2.0 h ahead"),
    ],
)
def test_clocks_that_differ(
    diagnose: Diagnose,
    monkeypatch: pytest.MonkeyPatch,
    offset: int,
    condition: Condition,
    words: str,
) -> None:
    true_now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: true_now() + timedelta(seconds=offset))
    finding = diagnose("clock")
    assert finding.condition is condition
    assert words in finding.found


@pytest.mark.django_db
def test_versions_and_locks(diagnose: Diagnose) -> None:
    assert connection.display_name in diagnose("server version").found
    is_sqlite = connection.vendor == "sqlite"
    expected = Condition.NOT_APPLICABLE if is_sqlite else Condition.OK
    assert diagnose("SKIP LOCKED").condition is expected


@pytest.mark.django_db
def test_a_server_that_is_too_old(diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "oracle")
    assert diagnose("server version").condition is Condition.PROBLEM
    monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", False)
    assert diagnose("SKIP LOCKED").condition is Condition.PROBLEM


# SQLite


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_journal_that_blocks_readers(diagnose: Diagnose) -> None:
    assert diagnose("SQLite journal").found == "WAL"
    execute("PRAGMA journal_mode = DELETE")
    try:
        finding = diagnose("SQLite journal")
    finally:
        execute("PRAGMA journal_mode = WAL")
    assert (finding.condition, finding.found) == (
        Condition.WARN,
        "delete: a write blocks all readers",
    )


@on_sqlite
@pytest.mark.django_db
def test_transactions_without_the_write_lock(
    diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert diagnose("SQLite transactions").condition is Condition.OK
    monkeypatch.delitem(connection.settings_dict["OPTIONS"], "transaction_mode")
    finding = diagnose("SQLite transactions")
    assert finding.condition is Condition.WARN
    assert '"transaction_mode": "IMMEDIATE"' in finding.fix


@on_sqlite
@pytest.mark.django_db
def test_a_version_that_loses_commits(diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "sqlite_version_info", (3, 51, 3))
    assert diagnose("SQLite version").condition is Condition.OK
    monkeypatch.setattr(sqlite, "sqlite_version_info", (3, 51, 2))
    assert diagnose("SQLite version").condition is Condition.WARN
    live_worker()
    live_worker("another")
    assert diagnose("SQLite version").condition is Condition.PROBLEM


@on_sqlite
@pytest.mark.django_db
def test_a_disk_of_another_machine(
    diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert diagnose("SQLite disk").found == "a local one"
    (tmp_path / "mounts").write_text("server:/export / nfs4 rw 0 0\n")
    monkeypatch.setattr(disks, "MOUNTS", tmp_path / "mounts")
    finding = diagnose("SQLite disk")
    assert finding.condition is Condition.PROBLEM
    assert "(nfs4)" in finding.found


# PostgreSQL: connections


class Pooled(Patient):
    """A database with a pool, whose library need not be there."""

    options = {"pool": {"max_size": 200}}  # type: ignore[assignment]


@pytest.mark.django_db
def test_a_pool_that_is_too_small() -> None:
    assert connections.pool.look(Pooled()).condition is Condition.OK
    live_worker(queues={"default": 150, "bulk": 60})
    verdict = connections.pool.look(Pooled())
    assert verdict.condition is Condition.PROBLEM
    assert "200 connections for 210 jobs at a time" in verdict.found
    assert '"max_size": 214' in verdict.fix


@on_postgres
@pytest.mark.django_db
def test_more_workers_than_connections(diagnose: Diagnose) -> None:
    live_worker(queues={"default": 2})
    finding = diagnose("connections")
    assert finding.condition is Condition.OK
    assert finding.found.endswith("the live workers may need 7")
    live_worker("greedy", queues={"default": 1000})
    finding = diagnose("connections")
    assert finding.condition is Condition.WARN
    assert "may need 1012" in finding.found


@on_postgres
@pytest.mark.django_db
def test_a_pooler(
    diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch, configure: Configure
) -> None:
    assert diagnose("pooler").found.startswith("none")
    connection.ensure_connection()
    # The number that a pooler gives to its client is none of PostgreSQL's.
    monkeypatch.setattr(type(connection.connection.info), "backend_pid", 1)
    finding = diagnose("pooler")
    assert finding.condition is Condition.WARN
    assert "wait up to 1 s for the next poll" in finding.found
    configure(NOTIFY=False)
    assert diagnose("pooler").condition is Condition.OK


# PostgreSQL: what keeps it from cleaning up


@on_postgres
@pytest.mark.parametrize(
    ("check", "limits"),
    [
        ("longest transaction", {"LONG_TRANSACTION": 0.0}),
        ("idle in transaction", {"LONG_IDLE": 0.0}),
        ("oldest snapshot", {"OLD_SNAPSHOT": -1}),
    ],
)
def test_a_forgotten_transaction(
    diagnose: Diagnose,
    other_session: Any,
    monkeypatch: pytest.MonkeyPatch,
    check: str,
    limits: dict[str, float],
) -> None:
    assert diagnose(check).condition is Condition.OK
    with other_session.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_backend_pid(), 'a secret of the query'")
        pid = cursor.fetchone()[0]
    assert diagnose(check).condition is Condition.OK  # it is not old yet
    for name, value in limits.items():
        monkeypatch.setattr(postgres, name, value)
    finding = diagnose(check)
    assert finding.condition is Condition.WARN
    if check != "oldest snapshot":  # of the whole server: that of a test beside this may be older
        assert f"process {pid}" in finding.found
        assert "a forgotten shell" in finding.found
    assert "secret" not in finding.found
    assert finding.fix


@on_postgres
@pytest.mark.django_db(transaction=True)
def test_a_table_that_nobody_cleans_up(diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch) -> None:
    assert diagnose("autovacuum").condition is Condition.OK
    monkeypatch.setattr(postgres, "MANY_DEAD", 50)
    execute("ALTER TABLE django_jobs_job SET (autovacuum_enabled = false)")
    try:
        JobFactory.create_batch(100)
        for number in range(3):
            Job.objects.update(priority=number)
        execute("SELECT pg_stat_force_next_flush()")
        finding = wait_until(lambda: _warned(diagnose("dead rows")))
        off = diagnose("autovacuum")
    finally:
        execute("ALTER TABLE django_jobs_job RESET (autovacuum_enabled)")
    assert "django_jobs_job (3" in finding.found
    assert "autovacuum_vacuum_scale_factor" in finding.fix
    assert off.condition is Condition.PROBLEM
    assert "autovacuum_enabled of django_jobs_job" in off.found


def _warned(finding: Any) -> Any:
    return finding if finding.condition is Condition.WARN else None
