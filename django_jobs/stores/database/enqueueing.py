"""Inserting jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.db import Error, IntegrityError, connections
from django.db.transaction import TransactionManagementError

from django_jobs.conf import config
from django_jobs.exceptions import DuplicateJob, EnqueueUnavailable, PayloadTooLarge
from django_jobs.models import Job
from django_jobs.states import Actor, Status
from django_jobs.stores import hints
from django_jobs.stores.base import Store
from django_jobs.stores.database.moves import Row, database, jobs, record, writing
from django_jobs.stores.database.newborn import COLUMNS, Alike, group, is_newborn
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.outages import is_outage, is_too_large

if TYPE_CHECKING:
    from uuid import UUID

#: How often to look again when the holder of a unique key ends between our two looks.
_UNIQUE_TRIES: Final = 5

_ID: Final = Job._meta.get_field("id")
_PARAMS: Final = Job._meta.get_field("params")


class Enqueueing(Store):
    """Producers' verbs."""

    @retried
    def enqueue(self, jobs: Sequence[Job]) -> None:
        keys = [job.unique_key for job in jobs if job.unique_key is not None]
        with clear_errors():
            if keys:
                self._insert_unique(jobs, keys)
            else:
                self._insert(jobs)
            if config.NOTIFY:
                hints.announce_on_commit(database())

    def _insert_unique(self, new: Sequence[Job], keys: Sequence[str]) -> None:
        for _ in range(_UNIQUE_TRIES):
            try:
                # A savepoint: losing the race must leave the caller's transaction usable.
                self._insert(new, savepoint=True)
            except IntegrityError:
                self._explain_conflict(keys)
            else:
                return
        raise EnqueueUnavailable(
            "unique_key: other jobs with this key kept starting and ending while this one "
            "was being enqueued; try again."
        )

    def _explain_conflict(self, keys: Sequence[str]) -> None:
        holder = jobs().live().filter(unique_key__in=keys).values_list("id", "unique_key").first()
        if holder is not None:
            holder_id: UUID = holder[0]
            raise DuplicateJob(
                f"unique_key: job {holder_id} holds this key and has not ended.", holder_id
            )

    def _insert(self, new: Sequence[Job], *, savepoint: bool = False) -> None:
        """Write new rows and their first transitions."""
        rows = [vars(job) for job in new]
        with writing(savepoint=savepoint):
            if all(map(is_newborn, rows)):
                groups = list(group(rows))
                for alike in groups:
                    _insert_alike(alike)
            else:
                jobs().bulk_create(new)
                groups = [Alike((), [row]) for row in rows]
            for status in {job.status for job in new}:
                born = [
                    Row(job.id, "", job.lease, job.attempt_count)
                    for job in new
                    if job.status == status
                ]
                record(born, Status(status), actor=Actor.PRODUCER)
        for alike in groups:
            alike.settle(database())


def _insert_alike(alike: Alike) -> None:
    """One statement, filled for each job by the database's driver."""
    connection = connections[database()]
    table = connection.ops.quote_name(Job._meta.db_table)
    values, shared = alike.values()
    sql = f"INSERT INTO {table} ({COLUMNS}) VALUES (%s, %s, {values})"  # noqa: S608 - own names
    rows = [
        (
            _ID.get_db_prep_save(row["id"], connection),
            _PARAMS.get_db_prep_save(row["params"], connection),
            *shared,
        )
        for row in alike.rows
    ]
    with connection.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(sql, rows[0])
        else:
            cursor.executemany(sql, rows)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Tell a producer plainly that the database does not take the job."""
    try:
        yield
    except TransactionManagementError as error:
        raise EnqueueUnavailable(
            "The job can't be enqueued: the surrounding atomic() block is broken by an earlier "
            "database error and will be rolled back."
        ) from error
    except Error as error:
        if is_too_large(error):
            raise PayloadTooLarge(
                f"arguments: larger than a statement may be on the database {database()!r} "
                "(max_allowed_packet on MariaDB and MySQL)."
            ) from error
        if not is_outage(error):
            raise
        raise EnqueueUnavailable(
            f"The job can't be enqueued: the database {database()!r} does not take it "
            f"({type(error).__name__})."
        ) from error
