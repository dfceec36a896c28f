"""How long one statement of a worker's own may take: the server ends it, and the worker goes on.

Jobs, producers and operators are not limited: only what runs inside ``limited()`` is.

No state of the session is used, which a pooler would hand to others: the limit is set for the
current transaction. A statement by itself gets it in the same message, which PostgreSQL runs as one
transaction, so that it costs no round trip.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from django.db import transaction
from django.db.backends.signals import connection_created

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

Execute = Callable[..., Any]

#: Beginnings of the statements that may wait for others. The rest, like VACUUM, may be one of
#: those that allow no other statement beside them.
_LIMITED: Final = frozenset({"SELE", "(SEL", "WITH", "INSE", "UPDA", "DELE", "MERG", "LOCK"})

_here: Final = threading.local()


class Observer(Protocol):
    """Hears of each statement."""

    def begin(self) -> None:
        """It is sent."""

    def end(self) -> None:
        """Its answer is here, or it failed."""


@contextmanager
def limited(connection: BaseDatabaseWrapper, seconds: float, observer: Observer) -> Iterator[None]:
    """Limit every statement of this thread on this connection.

    A statement that takes longer fails as in an outage. On SQLite only waiting for the write lock
    is limited; on MySQL nothing is, there the client's deadline must do.

    Args:
        connection: Django's, of this thread.
        seconds: the longest that one statement may take.
        observer: told of each statement.
    """

    # Before anything is limited, for this may ask the server.
    is_mariadb = connection.vendor == "mysql" and bool(
        connection.mysql_is_mariadb  # type: ignore[attr-defined]
    )

    def limit(execute: Execute, sql: Any, params: Any, many: bool, context: Any) -> Any:
        observer.begin()
        try:
            if not _may_wait(sql):
                return execute(sql, params, many, context)
            if connection.vendor == "postgresql":
                return _execute(seconds, execute, sql, params, many, context)
            if is_mariadb and not many:
                sql = f"SET STATEMENT max_statement_time = {seconds:.3f} FOR {sql}"
            return execute(sql, params, many, context)
        finally:
            observer.end()

    before = getattr(_here, "seconds", None)
    _here.seconds = seconds
    try:
        with connection.execute_wrapper(limit):
            yield
    finally:
        _here.seconds = before


def _may_wait(sql: Any) -> bool:
    return isinstance(sql, str) and sql.lstrip()[:4].upper() in _LIMITED


def _execute(
    seconds: float, execute: Execute, sql: str, params: Any, many: bool, context: Any
) -> Any:
    connection = context["connection"]
    in_transaction = connection.in_atomic_block
    settings = _settings(seconds, in_transaction)
    if not many and _sends_text(context["cursor"].cursor):
        result = execute("; ".join((*settings, sql)), params, many, context)
        _skip(context["cursor"].cursor, len(settings))
        return result
    if not in_transaction:
        with transaction.atomic(using=connection.alias):
            return _execute(seconds, execute, sql, params, many, context)
    with connection.cursor() as cursor:
        cursor.execute("; ".join(settings))
    return execute(sql, params, many, context)


@cache
def _settings(seconds: float, in_transaction: bool) -> tuple[str, ...]:
    """No lock_timeout: who waits for a lock is inside a statement.

    A transaction that stops in the middle, because its process or its network did, shall not keep
    its locks: the server ends the session.
    """
    milliseconds = max(int(seconds * 1000), 1)
    statement = f"SET LOCAL statement_timeout = {milliseconds}"
    if not in_transaction:
        return (statement,)
    return statement, f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}"


def _sends_text(cursor: Any) -> bool:
    """Whether the driver fills in the parameters itself, so that several statements may be sent.

    Cursors with a name live in the server, and their statement is part of another.
    """
    if getattr(cursor, "name", None):
        return False
    kind: Any = type(cursor)
    return _is_old_driver(cursor) or _is_client_side(kind)


def _is_old_driver(cursor: Any) -> bool:
    return type(cursor).__module__.startswith("psycopg2")


@cache
def _is_client_side(kind: Any) -> bool:
    return any(base.__name__ == "ClientCursor" for base in kind.__mro__)


def _skip(cursor: Any, results: int) -> None:
    """Go on to the result of our statement; psycopg 2 shows the last one only."""
    if not _is_old_driver(cursor):
        for _ in range(results):
            cursor.nextset()


def _limit_waiting(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """On SQLite, where a connection is never shared, it is a setting of the connection."""
    seconds = getattr(_here, "seconds", None)
    if seconds is None or connection.vendor != "sqlite":
        return
    site = (connection.settings_dict.get("OPTIONS") or {}).get("timeout", 5.0)  # as sqlite3 has it
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {int(min(site, seconds) * 1000)}")


connection_created.connect(_limit_waiting, dispatch_uid="django_jobs.stores.limits")
