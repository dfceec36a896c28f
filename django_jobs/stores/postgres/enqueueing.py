"""Inserting jobs and their first transitions with one statement."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from django.db import connections, transaction
from django.db.models.expressions import DatabaseDefault

from django_jobs.conf import config
from django_jobs.states import Actor
from django_jobs.stores.database.enqueueing import Enqueueing
from django_jobs.stores.database.moves import database
from django_jobs.stores.database.newborn import CLOCK, COLUMNS, Alike, group, is_newborn
from django_jobs.stores.postgres import prepared
from django_jobs.stores.postgres.sql import RECORD, fetch, tables, uuid_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from django_jobs.models import Job

_INSERT: Final = """
WITH moved AS (
    INSERT INTO {job} ({columns})
    {rows}
    RETURNING id, attempt_count, lease
)
{record}
SELECT statement_timestamp()
"""
_ONE: Final = "VALUES (%s, %s, {values})"
# All params are one JSON text: written at once, sent as it is, and taken apart quickly.
_MANY: Final = """SELECT new.id, new.params, {values}
    FROM ROWS FROM (unnest(%s::uuid[]), jsonb_array_elements(%s)) AS new (id, params)"""

#: Jobs of one statement, and characters of their params unless a single job has more.
_MOST_JOBS: Final = 1000
_MOST_TEXT: Final = 16 * 1024 * 1024


class FastEnqueueing(Enqueueing):
    """Writes a job, or many that differ only in their params, in one round trip."""

    def _insert(self, new: Sequence[Job], *, savepoint: bool = False) -> None:
        rows = [vars(job) for job in new]
        if not all(map(is_newborn, rows)):
            super()._insert(new, savepoint=savepoint)
            return
        parts = list(_parts(rows))
        with _all_or_none(len(parts), savepoint=savepoint):
            # What fails is never kept, and still prepared each time: a unique key may fail often.
            prepares = not savepoint
            moments = [_write(part, params, prepares=prepares) for part, params in parts]
        for (part, _), moment in zip(parts, moments, strict=True):
            _settle(part, moment)


def _parts(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[Alike, str]]:
    """What goes into one statement, with its params as JSON."""
    for alike in group(rows):
        for start in range(0, len(alike.rows), _MOST_JOBS):
            yield from _fitting(alike, alike.rows[start : start + _MOST_JOBS])


def _fitting(alike: Alike, rows: list[dict[str, Any]]) -> Iterator[tuple[Alike, str]]:
    """Halve what would make too long a statement."""
    params = json.dumps([row["params"] for row in rows])
    if len(params) <= _MOST_TEXT or len(rows) == 1:
        yield alike._replace(rows=rows), params
        return
    middle = len(rows) // 2
    yield from _fitting(alike, rows[:middle])
    yield from _fitting(alike, rows[middle:])


def _all_or_none(statements: int, *, savepoint: bool) -> AbstractContextManager[None]:
    """One statement is a transaction by itself, unless it must not break the caller's."""
    alias = database()
    if statements > 1 or (savepoint and connections[alias].in_atomic_block):
        return transaction.atomic(using=alias, savepoint=savepoint)
    return transaction.mark_for_rollback_on_error(using=alias)


def _write(part: Alike, params: str, *, prepares: bool) -> datetime:
    """Insert the jobs of one statement; return the database's time."""
    run = prepared.fetch if prepares else fetch
    values, parameters = part.values()
    status = part.rows[0]["status"]
    recording = ("", status, Actor.PRODUCER) if config.writes_transitions else ()
    if len(part.rows) == 1:
        # A JSON list without its brackets is the one that it holds.
        one = [part.rows[0]["id"], params[1:-1], *parameters, *recording]
        rows = run(_statement(_ONE, values, bool(recording)), one)
    else:
        ids = uuid_array(row["id"] for row in part.rows)
        rows = fetch(
            _statement(_MANY, values, bool(recording)), [*parameters, ids, params, *recording]
        )
    ((moment,),) = rows
    return cast("datetime", moment)


@lru_cache
def _statement(rows: str, values: str, records: bool) -> str:
    names = tables()
    return _INSERT.format(
        **names,
        columns=COLUMNS,
        rows=rows.format(values=values),
        record=RECORD.format(**names) if records else "",
    )


def _settle(part: Alike, moment: datetime) -> None:
    """The clock stands still within a statement: its time is that of every default."""
    times = dict.fromkeys(CLOCK, moment)
    if isinstance(part.rows[0]["scheduled_for"], DatabaseDefault):
        times["scheduled_for"] = moment
    part.settle(database(), **times)
