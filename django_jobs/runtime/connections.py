"""Database connections in threads that Django does not look after."""

from __future__ import annotations

from django.db import close_old_connections, connections


def keep_connections_open() -> None:
    """Let this process keep its connections: the default is to reconnect for every request.

    ``close_old_connections()`` then drops exactly those that broke.
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
            continue
        is_open = connection.connection is not None and not connection.in_atomic_block
        if is_open and not connection.get_autocommit():
            connection.close()
    close_old_connections()
