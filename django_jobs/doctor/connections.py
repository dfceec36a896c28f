"""Whether there are enough connections, and where they lead."""

from __future__ import annotations

from typing import Any, Final

from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, ok, problem, warn
from django_jobs.doctor.patient import Patient
from django_jobs.registry import registry

#: Besides those of its slots a process has: the main loop, the finisher, the event loop, the
#: listener. A runjobs has its own.
PER_PROCESS: Final = 4
PER_WORKER: Final = 1

_LIMITS: Final = """
    SELECT current_setting('max_connections')::int,
           current_setting('superuser_reserved_connections')::int
               + coalesce(current_setting('reserved_connections', true)::int, 0),
           (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL)
"""


@examination("connection pool", only_on="postgresql")
def pool(patient: Patient) -> Verdict:
    """Whether the jobs of one process find a connection each."""
    given = patient.options.get("pool")
    if not given:
        return ok("none: each thread has a connection of its own")
    size = _pool_size(given)
    slots = max([_configured_slots(patient), *map(_slots, patient.live_processes)])
    if size > slots:
        return ok(f"{size} connections for {slots} jobs at a time")
    return problem(
        f"{size} connections for {slots} jobs at a time in one process: they wait for each other, "
        "and the worker for them",
        f'Set OPTIONS["pool"] = {{"max_size": {slots + PER_PROCESS}}}, or lower CONCURRENCY.',
    )


@examination("connections", only_on="postgresql")
def limit(patient: Patient) -> Verdict:
    """Whether the server has room for what the live workers may need."""
    allowed, reserved, used = patient.rows(_LIMITS)[0]
    free = allowed - reserved
    workers = {one.worker_id for one in patient.live_processes}
    need = sum(map(_slots, patient.live_processes))
    need += PER_PROCESS * len(patient.live_processes) + PER_WORKER * len(workers)
    found = f"{used} of {free} are in use; the live workers may need {need}"
    fix = "Raise max_connections, lower CONCURRENCY or PROCESSES, or put PgBouncer in between."
    if used >= free - 1:
        return problem(found, fix)
    return warn(found, fix) if need > free else ok(found)


@examination("pooler", only_on="postgresql")
def pooler(patient: Patient) -> Verdict:
    """Whether the other end of the wire is PostgreSQL's own process."""
    patient.database.ensure_connection()
    wire: int = patient.database.connection.info.backend_pid
    if wire == patient.value("SELECT pg_backend_pid()"):
        return ok("none: connections go straight to PostgreSQL")
    if not patient.settings["NOTIFY"]:
        return ok("behind a pooler; NOTIFY is off, workers poll")
    return warn(
        "behind a pooler: wake-ups may not arrive, so that jobs wait up to "
        f"{patient.settings['POLL_INTERVAL']:g} s for the next poll",
        "Set NOTIFY to False, and POLL_INTERVAL to the longest wait you accept; or let workers "
        "connect to PostgreSQL directly.",
    )


def _pool_size(given: Any) -> int:
    options = given if isinstance(given, dict) else {}
    return int(options.get("max_size") or options.get("min_size", 4))  # as psycopg_pool counts


def _configured_slots(patient: Patient) -> int:
    concurrency = patient.settings["CONCURRENCY"]
    queues = patient.settings["QUEUES"] or dict.fromkeys(
        {"default", *registry.queues()}, concurrency
    )
    return sum(queues.values())


def _slots(process: Any) -> int:
    queues = process.worker.queues
    return sum(queues.values()) if isinstance(queues, dict) else 0
