"""Inserting jobs and their first transitions with one statement."""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connections, transaction
from django.db.models import Expression
from django.db.models.expressions import DatabaseDefault

from django_jobs.models import Job
from django_jobs.states import Actor
from django_jobs.stores.database.enqueueing import Enqueueing, read_expressions_later
from django_jobs.stores.database.moves import database
from django_jobs.stores.postgres.sql import fetch, recorded, tables, uuid_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

#: What a producer decides: one for all jobs of a statement, which differ in id and params only.
SHARED: Final = (
    "job_name",
    "queue",
    "priority",
    "status",
    "timeout",
    "max_attempts",
    "unique_key",
    "correlation_id",
    "tags",
    "expires_at",
    "scheduled_for",
)
#: What only the life of a job changes. New jobs have these values, and the statement knows them.
UNBORN: Final = {
    "result": None,
    "progress": 0,
    "progress_message": "",
    "error": "",
    "attempt_count": 0,
    "failure_count": 0,
    "crash_count": 0,
    "lease": 0,
    "worker_process": None,
    "worker_started_at": None,
    "worker_expires_at": None,
    "cancel_requested_at": None,
    "completed_at": None,
}
#: What the database's clock tells, the same for all jobs of a statement.
CLOCK: Final = ("created_at", "updated_at")

_INSERT: Final = """
WITH moved AS (
    INSERT INTO {job} (
        id, params, job_name, queue, priority, status, timeout, max_attempts, unique_key,
        correlation_id, tags, expires_at, scheduled_for, created_at, updated_at,
        progress, progress_message, error, attempt_count, failure_count, crash_count, lease
    )
    {rows}
    RETURNING id, attempt_count, lease
)
{record}
SELECT statement_timestamp()
"""
_VALUES: Final = """%s, %s, %s, %s, %s, %s, %s, %s, %s, {expires_at}, {scheduled_for},
        statement_timestamp(), statement_timestamp(), 0, '', '', 0, 0, 0, 0"""
_ONE: Final = f"VALUES (%s, %s, {_VALUES})"
# All params are one JSON text: written at once, sent as it is, and taken apart quickly.
_MANY: Final = (
    f"SELECT new.id, new.params, {_VALUES}\n"  # noqa: S608 - no values of others
    "FROM ROWS FROM (unnest(%s::uuid[]), jsonb_array_elements(%s)) AS new (id, params)"
)

#: Jobs of one statement, and characters of their params unless a single job has more.
_MOST_JOBS: Final = 1000
_MOST_TEXT: Final = 16 * 1024 * 1024

_shared: Final = itemgetter(*SHARED)
_life: Final = itemgetter(*UNBORN)
_unborn: Final = tuple(UNBORN.values())


class FastEnqueueing(Enqueueing):
    """Writes a job, or many that differ only in their params, in one round trip."""

    def _insert(self, new: Sequence[Job], *, savepoint: bool = False) -> None:
        rows = [vars(job) for job in new]
        if not all(map(_is_unborn, rows)):
            super()._insert(new, savepoint=savepoint)
            return
        parts = list(_parts(rows))
        alias = database()
        with _all_or_none(alias, len(parts), savepoint=savepoint):
            moments = [_write(part) for part in parts]
        for part, moment in zip(parts, moments, strict=True):
            _fill_in(part, moment)
        for job in new:
            job._state.adding, job._state.db = False, alias
            read_expressions_later(job)


class _Part(NamedTuple):
    """The jobs of one statement."""

    shared: tuple[Any, ...]
    rows: list[dict[str, Any]]
    params: str


def _is_unborn(row: dict[str, Any]) -> bool:
    return _life(row) == _unborn and all(isinstance(row[name], DatabaseDefault) for name in CLOCK)


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[_Part]:
    for shared, group in groupby(rows, _shared):
        alike = list(group)
        for start in range(0, len(alike), _MOST_JOBS):
            yield from _fitting(shared, alike[start : start + _MOST_JOBS])


def _fitting(shared: tuple[Any, ...], rows: list[dict[str, Any]]) -> Iterator[_Part]:
    """Halve what would make too long a statement."""
    params = json.dumps([row["params"] for row in rows])
    if len(params) <= _MOST_TEXT or len(rows) == 1:
        yield _Part(shared, rows, params)
        return
    middle = len(rows) // 2
    yield from _fitting(shared, rows[:middle])
    yield from _fitting(shared, rows[middle:])


def _all_or_none(alias: str, statements: int, *, savepoint: bool) -> AbstractContextManager[None]:
    """One statement is a transaction by itself, unless it must not break the caller's."""
    if statements > 1 or (savepoint and connections[alias].in_atomic_block):
        return transaction.atomic(using=alias, savepoint=savepoint)
    return transaction.mark_for_rollback_on_error(using=alias)


def _write(part: _Part) -> Any:
    """Insert the jobs of one statement; return the database's time."""
    *shared, tags, expires_at, scheduled_for = part.shared
    expires_sql, expires = _moment(expires_at)
    scheduled_sql, scheduled = _moment(scheduled_for)
    values = [*shared, json.dumps(tags), *expires, *scheduled]
    if len(part.rows) == 1:
        rows, values = _ONE, [part.rows[0]["id"], part.params[1:-1], *values]
    else:
        rows, values = _MANY, [*values, uuid_array(row["id"] for row in part.rows), part.params]
    record, recording = recorded("", part.rows[0]["status"], Actor.PRODUCER)
    rows = rows.format(expires_at=expires_sql, scheduled_for=scheduled_sql)
    sql = _INSERT.format(**tables(), rows=rows, record=record)
    return fetch(sql, [*values, *recording])[0][0]


def _moment(value: Any) -> tuple[str, Sequence[Any]]:
    """A time as SQL with parameters: given, or from the database's clock."""
    if isinstance(value, DatabaseDefault):
        return "statement_timestamp()", ()
    if isinstance(value, Expression):
        compiler = Job.objects.using(database()).query.get_compiler(using=database())
        sql, parameters = compiler.compile(value.resolve_expression(compiler.query))
        return sql, parameters
    return "%s", (value,)


def _fill_in(part: _Part, moment: Any) -> None:
    """Tell the jobs what the database's clock said."""
    times = dict.fromkeys(CLOCK, moment)
    if isinstance(part.rows[0]["scheduled_for"], DatabaseDefault):
        times["scheduled_for"] = moment
    for row in part.rows:
        row.update(times)
