"""Whether a connection goes straight to PostgreSQL, or to a pooler like PgBouncer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def is_direct(connection: BaseDatabaseWrapper) -> bool:
    """Whether the process at the other end is PostgreSQL's own.

    When a client connects it is told the number of its server process. A pooler has none of its
    own to tell at that time, and invents one.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    raw: Any = connection.connection
    return bool(pid == raw.info.backend_pid)
