"""The database under examination: read with a time limit, and left as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.db import connections, router, transaction

from django_jobs import conf
from django_jobs.doctor.waiting import Head, heads
from django_jobs.models import Job, WorkerProcess

#: Milliseconds that a statement may take, and may wait for a lock.
STATEMENT_TIMEOUT: Final = 3000
LOCK_TIMEOUT: Final = 1000

_UNDISTURBED: Final = (
    f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT}; "
    f"SET LOCAL lock_timeout = {LOCK_TIMEOUT}; SET TRANSACTION READ ONLY"
)

_NOW: Final = {
    "postgresql": "SELECT statement_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "mysql": "SELECT UTC_TIMESTAMP(6)",
}


@dataclass(frozen=True)
class Patient:
    """What all examinations look at. Settings are read without failing for bad values."""

    settings: dict[str, Any] = field(default_factory=lambda: conf.read().values)

    @cached_property
    def alias(self) -> str:
        """The database that jobs are written to."""
        return router.db_for_write(Job)

    @property
    def database(self) -> Any:
        """Django's connection."""
        return connections[self.alias]

    @property
    def vendor(self) -> str:
        """Which database it is: ``postgresql``, ``sqlite``, ``mysql``."""
        return str(self.database.vendor)

    @property
    def options(self) -> dict[str, Any]:
        """Its ``OPTIONS`` in ``DATABASES``."""
        return self.database.settings_dict.get("OPTIONS") or {}

    @property
    def jobs(self) -> Any:
        """All jobs, where they are written: a replica may be behind."""
        return Job.objects.using(self.alias)

    @property
    def lease(self) -> timedelta:
        """The setting ``LEASE``."""
        return timedelta(seconds=self.settings["LEASE"])

    @cached_property
    def live_processes(self) -> list[WorkerProcess]:
        """Worker processes that showed a heartbeat within one lease, with their workers."""
        return [one for one in self.processes if self.age(one.last_heartbeat_at) <= self.lease]

    @cached_property
    def processes(self) -> list[WorkerProcess]:
        """All worker processes that have a row."""
        rows = WorkerProcess.objects.using(self.alias).select_related("worker")
        return list(rows.order_by("worker_id", "started_at")[:1000])

    @cached_property
    def heads(self) -> list[Head]:
        """The job that waits longest in each queue and priority."""
        return heads(self.jobs.pending())

    @cached_property
    def now(self) -> datetime:
        """The time of the database's clock when it was first asked for."""
        return self.read_clock()

    def read_clock(self) -> datetime:
        """The time of the database's clock."""
        answer = self.value(_NOW[self.vendor])
        moment: datetime = datetime.fromisoformat(answer) if isinstance(answer, str) else answer
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def age(self, moment: datetime) -> timedelta:
        """How long ago that was, by the database's clock."""
        return self.now - moment

    def rows(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement that reads."""
        with self.database.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def value(self, sql: str) -> Any:
        """The one value that a statement returns."""
        return self.rows(sql)[0][0]

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let the block read without being able to write, wait or stay for long.

        Only PostgreSQL can: elsewhere a transaction would take locks, so that there is none.
        """
        if self.vendor != "postgresql":
            yield
            return
        with transaction.atomic(using=self.alias):
            with self.database.cursor() as cursor:
                cursor.execute(_UNDISTURBED)
            yield
            # Inside a caller's transaction: its limits come back with the savepoint.
            transaction.set_rollback(True, using=self.alias)
