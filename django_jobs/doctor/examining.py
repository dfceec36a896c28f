"""The examinations in the order of the table, and the round through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django_jobs.doctor import (
    attempts,
    connections,
    postgres,
    queues,
    server,
    site,
    sqlite,
    workers,
)
from django_jobs.doctor.examination import Examination
from django_jobs.doctor.finding import Condition, Finding
from django_jobs.doctor.patient import Patient

EXAMINATIONS: Final[tuple[Examination, ...]] = (
    site.migrations,
    site.server_version,
    server.writable,
    server.skip_locked,
    server.clock,
    sqlite.journal,
    sqlite.transactions,
    sqlite.version,
    sqlite.disk,
    connections.pool,
    connections.limit,
    connections.pooler,
    workers.live_workers,
    workers.silent_workers,
    queues.unserved_queues,
    queues.paused_queues,
    queues.longest_wait,
    queues.overdue_delayed_jobs,
    queues.unknown_jobs,
    attempts.lost_jobs,
    attempts.dead_letters,
    postgres.longest_transaction,
    postgres.idle_in_transaction,
    postgres.oldest_snapshot,
    postgres.dead_rows,
    postgres.autovacuum,
)


def examine() -> Iterator[Finding]:
    """Yield one finding after the other; never raises.

    If the database does not answer, there is nothing more to look at.
    """
    patient = Patient()
    yield site.system_checks(patient)
    answer = site.database(patient)
    if answer.condition is not Condition.OK:
        yield Finding(
            answer.check,
            Condition.PROBLEM,
            answer.found.replace("could not be examined", "does not answer"),
            "Start it, and compare DATABASES with where it listens.",
        )
        return
    yield answer
    for examination in EXAMINATIONS:
        yield examination(patient)
