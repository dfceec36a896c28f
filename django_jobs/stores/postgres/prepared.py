"""Statements that PostgreSQL keeps prepared: parsed and planned once for a connection.

A prepared statement is state of the session, which a pooler like pgbouncer hands to others after
each transaction. So only connections that go straight to PostgreSQL prepare: they know the number
of their server process. Django itself prepares nothing, and that stays so.

Only for statements without a choice of plans, such as an INSERT: the plan of another, made when
its table was small, may read all of a large one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from django.db import connections, transaction
from django.db.backends.postgresql.psycopg_any import is_psycopg3

from django_jobs.stores.database.moves import database
from django_jobs.stores.poolers import is_direct
from django_jobs.stores.postgres import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

if is_psycopg3:
    from psycopg import Cursor

    class _PreparingCursor(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **_: Any) -> Any:
            # psycopg prepares nothing without a threshold, and with one it takes note of every
            # other statement of the connection: so it has one for this moment only.
            before = self.connection.prepare_threshold
            self.connection.prepare_threshold = 0
            try:
                return super().execute(query, params, prepare=True)
            finally:
                self.connection.prepare_threshold = before


#: Statements after which a connection prepares: one that serves a single request never would
#: get back what it takes.
_ENOUGH: Final = 5

#: How many statements each connection has seen, up to ``_ENOUGH``; and which ones are direct.
_seen: Final[WeakKeyDictionary[Any, int]] = WeakKeyDictionary()
_direct: Final[WeakKeyDictionary[Any, bool]] = WeakKeyDictionary()


def fetch(text: str, parameters: Sequence[Any]) -> list[Any]:
    """Run a statement whose text seldom changes and return its rows."""
    connection = connections[database()]
    # What Django does before every cursor of its own.
    connection.validate_thread_sharing()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    # The log of queries shows values, which a prepared statement does not have in its text.
    if connection.queries_logged or not _prepares(connection):
        return sql.fetch(text, parameters)
    preparing: Any = _PreparingCursor(connection.connection)
    with (
        transaction.mark_for_rollback_on_error(using=connection.alias),
        connection.make_cursor(preparing) as cursor,
    ):
        cursor.execute(text, parameters)
        return list(cursor.fetchall())


def _prepares(connection: BaseDatabaseWrapper) -> bool:
    raw = connection.connection
    if raw in _direct:
        return _direct[raw]
    seen = _seen[raw] = _seen.get(raw, 0) + 1
    if seen < _ENOUGH:
        return False
    direct = _direct[raw] = is_psycopg3 and is_direct(connection)
    return direct
