"""What the statements of this package share.

Each one moves its jobs and writes their transitions, so that it is a transaction by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import connections, transaction

from django_jobs.conf import config
from django_jobs.models import Job, JobTransition, Queue
from django_jobs.stores.database.moves import database

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

#: Records the rows of the CTE ``moved``; takes from, to and actor.
RECORD: Final = """
    , recorded AS (
        INSERT INTO {transition}
            (job_id, from_status, to_status, at, attempt, lease, actor, reason, error)
        SELECT id, %s, %s, statement_timestamp(), attempt_count, lease, %s, '', ''
        FROM moved
    )
"""


def fetch(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """Run a statement and return its rows.

    An error dooms the caller's transaction, if there is one, as any error of Django's ORM does.
    """
    alias = database()
    with (
        transaction.mark_for_rollback_on_error(using=alias),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def tables() -> dict[str, str]:
    """The quoted names of our tables, to be filled into statements."""
    quote = connections[database()].ops.quote_name
    models = {"job": Job, "transition": JobTransition, "queue": Queue}
    return {name: quote(model._meta.db_table) for name, model in models.items()}


def recorded(before: str, after: str, actor: str) -> tuple[str, list[str]]:
    """The part that writes the transitions, with its parameters; empty when none are kept."""
    if not config.writes_transitions:
        return "", []
    return RECORD.format(**tables()), [before, after, actor]


def uuid_array(ids: Iterable[UUID]) -> str:
    """Ids as the text of a ``uuid[]``: a tenth of the work of adapting them one by one."""
    return "{" + ",".join([one.hex for one in ids]) + "}"


def integer_array(numbers: Iterable[int]) -> str:
    """Numbers as the text of a ``bigint[]``."""
    return "{" + ",".join([str(number) for number in numbers]) + "}"
