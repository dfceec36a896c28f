"""Moves of locked jobs: writes ``Job.status`` and the ``JobTransition`` beside it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router, transaction
from django.db.models.functions import Now
from django.db.models.lookups import Lookup

from django_jobs.conf import config
from django_jobs.exceptions import InvalidTransition
from django_jobs.models import Job, JobTransition
from django_jobs.states import TERMINAL, Actor, Status, is_legal

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

    from django_jobs.models import JobQuerySet

#: SQLite takes at most 32,766 parameters in a statement, older ones 999.
CHUNK = 500

_ID: Final = Job._meta.get_field("id")

_RECORD: Final = """
INSERT INTO {transition}
    (from_status, to_status, actor, reason, error, at, attempt, lease, job_id)
SELECT %s, %s, %s, %s, %s, {now}, attempt_count, lease, id FROM {job} WHERE {among}
"""

#: Re-entrant: what runs after a commit may write again.
_sqlite_turn: Final = threading.RLock()


class Row(NamedTuple):
    """A job row that this transaction has locked."""

    id: UUID
    status: str
    lease: int
    attempt: int


def database() -> str:
    """The alias of the database that holds the jobs."""
    return router.db_for_write(Job)


def jobs() -> JobQuerySet:
    """All jobs, on the database that holds them."""
    return Job.objects.using(database())


def seconds_from_now(seconds: float) -> models.Expression:
    """A time by the database's clock."""
    if not seconds:
        # On SQLite sums have more digits than the clock, and so come after it for a millisecond.
        return Now()
    return models.ExpressionWrapper(
        Now() + timedelta(seconds=seconds), output_field=models.DateTimeField()
    )


@cache
def clock(alias: str) -> str:
    """The SQL of ``Now()``, compiled once: compiling takes longer than running it."""
    compiler = Job.objects.using(alias).query.get_compiler(using=alias)
    sql: str = compiler.compile(Now())[0]
    return sql


#: A lookup must have a left side to look at.
_NOTHING: Final = models.Value(1)


class Among(Lookup):
    """``id IN (…) AND status IN (…)``, without the many looks that ``id__in`` has at each id.

    The rows are found by their ids, and only compared by their status. InnoDB locks all that it
    reads: by an index of the status it would read, and wait for, rows that others have locked.
    A lookup, for of any other condition Django asks MariaDB whether it ``= 1``, for which no
    index is used at all.
    """

    prepare_rhs = False

    def __init__(self, ids: Sequence[UUID], statuses: Collection[str]) -> None:
        super().__init__(_NOTHING, (ids, statuses))
        self.ids = ids
        self.statuses = statuses

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        if not self.ids:
            raise EmptyResultSet
        among, ids = _among(self.ids, connection)
        quote = connection.ops.quote_name
        status = f"{quote(Job._meta.db_table)}.{quote('status')}"
        if connection.vendor == "mysql":
            status = f"CONCAT({status}, '')"  # which no index has
        places = ", ".join(["%s"] * len(self.statuses))
        return f"{among} AND {status} IN ({places})", (*ids, *self.statuses)


def _among(ids: Sequence[UUID], connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
    quote = connection.ops.quote_name
    column = f"{quote(Job._meta.db_table)}.{quote(_ID.attname)}"
    adapted = tuple([_ID.get_db_prep_save(one, connection) for one in ids])
    return f"{column} IN ({', '.join(['%s'] * len(ids))})", adapted


@contextmanager
def writing(*, savepoint: bool = False) -> Iterator[None]:
    """A transaction that is going to write; part of the caller's, if there is one."""
    alias = database()
    connection = connections[alias]
    if connection.in_atomic_block or connection.vendor != "sqlite":
        with transaction.atomic(using=alias, savepoint=savepoint):
            yield
        return
    # SQLite has one writer at a time and lets the others poll for their turn, without order:
    # the threads of a process queue up here instead.
    with _sqlite_turn, transaction.atomic(using=alias):
        take_write_lock(alias)
        yield


def take_write_lock(alias: str) -> None:
    """Make the first statement of a SQLite transaction a write.

    A transaction that reads first and writes later fails at once when another process
    wrote in between; one that begins by writing waits its turn. Sites that set
    ``transaction_mode`` to ``IMMEDIATE`` have this already.
    """
    with connections[alias].cursor() as cursor:
        table = connections[alias].ops.quote_name(Job._meta.db_table)
        cursor.execute(f"UPDATE {table} SET lease = lease WHERE 0")  # noqa: S608 - own table name


def lock(queryset: JobQuerySet, *, skip_locked: bool = True) -> JobQuerySet:
    """Lock the rows of ``queryset`` for this transaction, as far as the database can."""
    features = connections[queryset.db].features
    if not features.has_select_for_update:
        return queryset
    return queryset.select_for_update(
        skip_locked=skip_locked and features.has_select_for_update_skip_locked,
        # Rows of others that refer to a job by foreign key are no reason to wait.
        no_key=features.has_select_for_no_key_update,
    )


def locked_rows(queryset: JobQuerySet, *, skip_locked: bool = True) -> list[Row]:
    """Lock and fetch what a move needs to know."""
    found = lock(queryset, skip_locked=skip_locked)
    return [Row(*values) for values in found.values_list("id", "status", "lease", "attempt_count")]


def move(
    rows: Sequence[Row],
    to: Status,
    by: Actor,
    *,
    actor: str,
    reason: str = "",
    error: str = "",
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Move locked rows to a status and record it; ``changes`` are columns set with it.

    Raises:
        InvalidTransition: the table in :mod:`django_jobs.states` forbids one of the moves,
            or a row changed although this transaction holds it.
    """
    if not rows:
        return
    for status in {row.status for row in rows}:
        if not is_legal(Status(status), to, by):
            first = next(row.id for row in rows if row.status == status)
            raise InvalidTransition(f"Job {first} can't go from {status} to {to}.")
    _update(rows, to, dict(changes or {}))
    record(rows, to, actor=actor, reason=reason, error=error)


def _update(rows: Sequence[Row], to: Status, changes: dict[str, Any]) -> None:
    changes |= {"status": to, "updated_at": Now()}
    changes.setdefault("completed_at", Now() if to in TERMINAL else None)
    if to != Status.RUNNING:
        changes |= {"worker_process": None, "worker_expires_at": None}
        if to in TERMINAL or to == Status.PENDING:
            changes["cancel_requested_at"] = None
    statuses = {row.status for row in rows}
    for start in range(0, len(rows), CHUNK):
        ids = [row.id for row in rows[start : start + CHUNK]]
        # The guard on the status is the compare-and-set for databases without row locks.
        updated = jobs().filter(Among(ids, statuses)).update(**changes)
        if updated != len(ids):
            raise InvalidTransition("A job changed its state while it was being moved.")


def record(
    rows: Sequence[Row],
    to: Status,
    *,
    actor: str,
    reason: str = "",
    error: str = "",
) -> None:
    """Append the transitions of a move that was just made; the jobs tell attempt and lease."""
    if not config.writes_transitions:
        return
    ids: dict[str, list[UUID]] = defaultdict(list)
    for row in rows:
        ids[row.status].append(row.id)
    for before, moved in ids.items():
        for start in range(0, len(moved), CHUNK):
            _record_chunk(moved[start : start + CHUNK], [before, to, actor, reason, error])


def _record_chunk(ids: Sequence[UUID], words: list[str]) -> None:
    # One statement for all: objects and a row of parameters for each cost ten times as much.
    connection = connections[database()]
    among, adapted = _among(ids, connection)
    sql = _RECORD.format(
        transition=connection.ops.quote_name(JobTransition._meta.db_table),
        job=connection.ops.quote_name(Job._meta.db_table),
        now=clock(connection.alias),
        among=among,
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*words, *adapted])
