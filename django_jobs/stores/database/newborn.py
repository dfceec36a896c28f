"""The rows of new jobs: decided by the producer, told by the clock, or not lived yet.

``bulk_create()`` finds out for every row what its columns are and how they are written, which
takes ten times as long as writing it. This knows them.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import connections
from django.db.models import Expression
from django.db.models.expressions import DatabaseDefault

from django_jobs.models import Job
from django_jobs.stores.database.moves import clock, database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

#: What a producer decides. Most jobs that are enqueued together differ in id and params only.
SHARED: Final = (
    "job_name",
    "queue",
    "priority",
    "status",
    "timeout",
    "max_attempts",
    "unique_key",
    "correlation_id",
    "parent_id",
    "subject",
    "tags",
    "expires_at",
    "scheduled_for",
)
#: What the database's clock tells.
CLOCK: Final = ("created_at", "updated_at")
_MOMENTS: Final = (*CLOCK, "scheduled_for", "expires_at")
#: What only the life of a job changes. New jobs have these values.
UNBORN: Final = {
    "progress": 0,
    "progress_message": "",
    "error": "",
    "fingerprint": "",
    "attempt_count": 0,
    "failure_count": 0,
    "crash_count": 0,
    "lease": 0,
}
#: The same for columns that are empty at first: they need not be written.
EMPTY: Final = (
    "result",
    "worker_process",
    "worker_started_at",
    "worker_expires_at",
    "cancel_requested_at",
    "completed_at",
)

#: The columns of an INSERT; :meth:`Alike.values` gives the values of all but the first two.
COLUMNS: Final = ", ".join(["id", "params", *SHARED, *CLOCK, *UNBORN])

_LITERALS: Final = ", ".join([str(value) or "''" for value in UNBORN.values()])
_FIELDS: Final = {field.attname: field for field in Job._meta.concrete_fields}
_PLAIN: Final = frozenset({str, int, float, type(None)})

_shared: Final = itemgetter(*SHARED)
_life: Final = itemgetter(*UNBORN, *EMPTY)
_unborn: Final = (*UNBORN.values(), *[None for _ in EMPTY])


class Alike(NamedTuple):
    """New jobs that differ in id and params only; a row is what ``vars(job)`` gives."""

    shared: tuple[Any, ...]
    rows: list[dict[str, Any]]

    def values(self) -> tuple[str, list[Any]]:
        """What is written for each of them after its id and params, as SQL with parameters."""
        connection = connections[database()]
        written: list[str] = []
        parameters: list[Any] = []
        for name, value in zip(SHARED, self.shared, strict=True):
            if type(value) in _PLAIN:
                written.append("%s")
                parameters.append(value)
            elif isinstance(value, Expression):
                sql, more = _compile(value)
                written.append(sql)
                parameters += more
            else:
                written.append("%s")
                parameters.append(_FIELDS[name].get_db_prep_save(value, connection))
        written += [clock(connection.alias)] * len(CLOCK)
        return f"{', '.join(written)}, {_LITERALS}", parameters

    def settle(self, alias: str, **times: datetime) -> None:
        """Tell the jobs that they are stored, and what the database's clock said.

        Times that only the database knows become deferred fields: read from it when asked for.
        """
        unknown = [
            name
            for name in _MOMENTS
            if name not in times and isinstance(self.rows[0].get(name), Expression)
        ]
        for row in self.rows:
            state = row["_state"]
            state.adding, state.db = False, alias
            row.update(times)
            for name in unknown:
                del row[name]


def _compile(value: Expression) -> tuple[str, Iterable[Any]]:
    if isinstance(value, DatabaseDefault):
        return clock(database()), ()
    compiler = Job.objects.using(database()).query.get_compiler(using=database())
    resolved = value.resolve_expression(compiler.query, for_save=True)
    sql, parameters = compiler.compile(resolved)
    return sql, parameters


def is_newborn(row: dict[str, Any]) -> bool:
    """Whether nobody, a middleware for one, has filled what only the life of a job does."""
    return (
        _life(row) == _unborn
        and isinstance(row["created_at"], DatabaseDefault)
        and isinstance(row["updated_at"], DatabaseDefault)
    )


def group(rows: Sequence[dict[str, Any]]) -> Iterator[Alike]:
    """Put neighbours that are alike together."""
    for shared, neighbours in groupby(rows, _shared):
        yield Alike(shared, list(neighbours))
