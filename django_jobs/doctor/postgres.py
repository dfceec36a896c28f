"""What keeps PostgreSQL from cleaning up behind the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.apps import apps

from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, ok, problem, warn
from django_jobs.doctor.patient import Patient
from django_jobs.doctor.wording import listed, span

#: Seconds. While a transaction is open, no row that was replaced since its start can go.
LONG_TRANSACTION: Final = 300.0
VERY_LONG_TRANSACTION: Final = 3600.0
LONG_IDLE: Final = 60.0
#: Transactions that began since the oldest snapshot.
OLD_SNAPSHOT: Final = 1_000_000
#: Dead rows of a table that matter, if there are more of them than live ones.
MANY_DEAD: Final = 10_000

_TUNE: Final = (
    "End long transactions; then let autovacuum come sooner: "
    "ALTER TABLE django_jobs_job SET (autovacuum_vacuum_scale_factor = 0.02)."
)

_SESSIONS: Final = """
    SELECT pid, coalesce(nullif(application_name, ''), 'no name'), state,
           extract(epoch FROM clock_timestamp() - {since})::float
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND {since} IS NOT NULL
          AND backend_type = 'client backend' AND {condition}
    ORDER BY {since} LIMIT 1
"""
_HIDDEN: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query = '<insufficient privilege>'
"""
_SNAPSHOTS: Final = """
    SELECT age(backend_xmin), 'process ' || pid || ', ' || coalesce(application_name, '')
    FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
    UNION ALL
    SELECT age(transaction), 'prepared transaction ' || gid FROM pg_prepared_xacts
    UNION ALL
    SELECT greatest(age(xmin), age(catalog_xmin)), 'replication slot ' || slot_name
    FROM pg_replication_slots WHERE xmin IS NOT NULL OR catalog_xmin IS NOT NULL
    ORDER BY 1 DESC LIMIT 1
"""
_TABLES: Final = """
    SELECT stat.relname, stat.n_live_tup, stat.n_dead_tup,
           greatest(stat.last_vacuum, stat.last_autovacuum),
           'autovacuum_enabled=false' = ANY(coalesce(class.reloptions, ARRAY[]::text[]))
    FROM pg_stat_all_tables AS stat JOIN pg_class AS class ON class.oid = stat.relid
    WHERE stat.relid IN (SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)
    ORDER BY stat.n_dead_tup DESC
"""


@examination("longest transaction", only_on="postgresql")
def longest_transaction(patient: Patient) -> Verdict:
    """The transaction of this database that has been open for longest."""
    sessions = _SESSIONS.format(since="xact_start", condition="true")
    found, age = _oldest(patient, sessions, "none is open")
    if age <= LONG_TRANSACTION:
        return ok(found)
    return (problem if age > VERY_LONG_TRANSACTION else warn)(
        f"{found}: rows that were replaced since cannot be cleaned up, and claims get slower",
        "End it (pg_terminate_backend), and find out who leaves it open.",
    )


@examination("idle in transaction", only_on="postgresql")
def idle_in_transaction(patient: Patient) -> Verdict:
    """Sessions that hold a transaction open and do nothing."""
    sessions = _SESSIONS.format(since="state_change", condition="state LIKE 'idle in transaction%'")
    found, age = _oldest(patient, sessions, "none")
    if age <= LONG_IDLE:
        return ok(found)
    return warn(
        found,
        "Find out who waits inside a transaction; idle_in_transaction_session_timeout ends such.",
    )


@examination("oldest snapshot", only_on="postgresql")
def oldest_snapshot(patient: Patient) -> Verdict:
    """What holds back the horizon (xmin) behind which dead rows may go."""
    rows = patient.rows(_SNAPSHOTS)
    if not rows:
        return ok("none is held")
    age, holder = rows[0]
    found = f"{age:,} transactions old, held by {holder}"
    if age <= OLD_SNAPSHOT:
        return ok(found)
    return warn(
        f"{found}: no row that died since can be cleaned up",
        "End the transaction, ROLLBACK PREPARED it, or drop the replication slot nobody reads.",
    )


@examination("dead rows", only_on="postgresql")
def dead_rows(patient: Patient) -> Verdict:
    """Rows of our tables that were replaced or deleted and still take room."""
    tables = _tables(patient)
    many = [
        f"{name} ({dead:,} dead, {live:,} live)"
        for name, live, dead, _, _ in tables
        if dead > max(MANY_DEAD, live)
    ]
    if many:
        return warn(f"more dead rows than live ones: {listed(many)}", _TUNE)
    return ok(f"{sum(dead for _, _, dead, _, _ in tables):,} in all tables")


@examination("autovacuum", only_on="postgresql")
def autovacuum(patient: Patient) -> Verdict:
    """Whether anybody cleans up, and when our tables had their turn."""
    names = ("autovacuum", "track_counts")
    off = [name for name in names if patient.value(f"SHOW {name}") == "off"]
    tables = _tables(patient)
    off += [f"autovacuum_enabled of {name}" for name, *_, is_off in tables if is_off]
    if off:
        return problem(f"off: {listed(off)}", "Switch it on: dead rows pile up, claims get slower.")
    last = [f"{name} {_since(patient, at)}" for name, _, _, at, _ in tables[:3]]
    return ok(f"on; last run: {listed(last)}")


def _oldest(patient: Patient, sessions: str, nothing: str) -> tuple[str, float]:
    """Say who is the oldest of some sessions, and how many seconds old."""
    rows = patient.rows(sessions)
    hidden = patient.value(_HIDDEN)
    rest = f"; {hidden} sessions of other roles are hidden (GRANT pg_monitor)" if hidden else ""
    if not rows:
        return f"{nothing}{rest}", 0.0
    pid, application, state, age = rows[0]
    return f"{span(age)}: process {pid}, {application}, {state}{rest}", float(age)


def _tables(patient: Patient) -> list[tuple[str, int, int, datetime | None, bool]]:
    quote = patient.database.ops.quote_name
    models = apps.get_app_config("django_jobs").get_models()
    rows: list[Any] = patient.rows(_TABLES, [[quote(one._meta.db_table) for one in models]])
    return rows


def _since(patient: Patient, moment: datetime | None) -> str:
    return "never" if moment is None else f"{span(patient.age(moment))} ago"
