"""Database connections in threads that Django does not look after."""

from __future__ import annotations

import threading
from typing import Any, Final

from django.db import connections
from django.db.backends.signals import connection_created

#: Whether this thread has ever opened a connection: most short jobs never do, and looking through
#: all aliases would be a good part of their cost.
_here: Final = threading.local()


def _note_connection(**_: Any) -> None:
    _here.has_connected = True


connection_created.connect(_note_connection, dispatch_uid="django_jobs.runtime.connections")


def keep_connections_open() -> None:
    """Let this process keep its connections: the default is to reconnect for every request.

    ``tidy_connections()`` then drops exactly those that broke.
    """
    for alias in connections:
        connections.settings[alias]["CONN_MAX_AGE"] = None


def tidy_connections() -> None:
    """After a unit of work: drop broken connections, and those left inside a transaction."""
    if not getattr(_here, "has_connected", False):
        return
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            # A job left it behind; only a new one has no memory of that transaction.
            connection.close()
            del connections[connection.alias]
        elif connection.connection is not None:
            if not connection.get_autocommit():
                connection.close()
            connection.close_if_unusable_or_obsolete()
