"""The database store on MariaDB and MySQL: what can't be said portably."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import connections

from django_jobs.models import Job
from django_jobs.states import Status
from django_jobs.stores.database import DatabaseStore
from django_jobs.stores.database.moves import CHUNK, Among, database, jobs, seconds_from_now
from django_jobs.stores.database.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

_FREE: Final = "SELECT id FROM {job} WHERE status = 'running' AND {held} FOR UPDATE SKIP LOCKED"


class MysqlStore(DatabaseStore):
    """Jobs in MariaDB 10.6 or MySQL 8.0.1, or newer."""

    @retried
    def renew(self, processes: Collection[UUID], lease: float) -> int:
        # No transaction: the server would keep the rows of one that is stopped in the middle
        # locked, and no rescue could take them from a worker that stands still. The first
        # statement only asks which rows nobody has locked, for the second would wait for them.
        held = jobs().filter(worker_process__in=processes)
        ids = _free(processes)
        return sum(
            held.filter(Among(ids[start : start + CHUNK], [Status.RUNNING])).update(
                worker_expires_at=seconds_from_now(lease)
            )
            for start in range(0, len(ids), CHUNK)
        )


def _free(processes: Collection[UUID]) -> list[UUID]:
    """The jobs of these processes whose rows are not locked."""
    if not processes:
        return []
    connection = connections[database()]
    column = Job._meta.get_field("worker_process")
    held = f"worker_process IN ({', '.join(['%s'] * len(processes))})"
    # Django's ORM locks rows only inside a transaction.
    table = connection.ops.quote_name(Job._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            _FREE.format(job=table, held=held),
            [column.get_db_prep_value(one, connection) for one in processes],
        )
        found = [id_ for (id_,) in cursor.fetchall()]
    to_python = Job._meta.pk.to_python
    return [to_python(id_) for id_ in found]
