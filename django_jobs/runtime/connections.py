"""Database connections in threads that Django does not look after."""

from __future__ import annotations

from django.db import connections


def keep_connections_open() -> None:
    """Let this process keep its connections: the default is to reconnect for every request.

    ``tidy_connections()`` then drops exactly those that broke.
    """
    for alias in connections:
        connections.settings[alias]["CONN_MAX_AGE"] = None


def tidy_connections() -> None:
    """After a unit of work: drop broken connections, and those left inside a transaction."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            # A job left it behind; only a new one has no memory of that transaction.
            connection.close()
            del connections[connection.alias]
        elif connection.connection is not None:
            if not connection.get_autocommit():
                connection.close()
            connection.close_if_unusable_or_obsolete()
