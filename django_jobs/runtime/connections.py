"""Database connections in threads that Django does not look after."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any, Final

from django.db import Error, connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from django_jobs.conf import config
from django_jobs.models import Job
from django_jobs.stores.outages import is_crowded, is_disconnection, is_read_only

#: Seconds for which a process that was refused a connection keeps none that it does not use.
SPARING: Final = 60.0

#: What this thread knows: whether it has ever opened a connection (most short jobs never do, and
#: looking through all aliases would be a good part of their cost), and in which era.
_here: Final = threading.local()


#: The threads that have ever opened a connection.
_connected: Final[set[int]] = set()


class _Era:
    """From one loss of the database to the next. What was opened before is not used after."""

    number = 0


class _Scarcity:
    """Until when, by the monotonic clock, this process is sparing with connections."""

    ends_at = 0.0


def _note_connection(**_: Any) -> None:
    if not getattr(_here, "has_connected", False):
        _here.has_connected = True
        _connected.add(threading.get_ident())
        _here.era = _Era.number


connection_created.connect(_note_connection, dispatch_uid="django_jobs.runtime.connections")


def prepare_connections() -> None:
    """Set this process's connections up for a worker; what the site sets itself stays.

    They are kept open, because the default is to reconnect for every request; those that broke are
    dropped by ``tidy_connections()``. And no attempt to connect to a database of the worker's own,
    nor a peer that vanished, may hold the process up for longer than its leases can bear.
    """
    for alias in connections:
        settings = connections.settings[alias]
        if not _pool_of(settings):  # which keeps them open itself, and refuses to do with this
            settings["CONN_MAX_AGE"] = None
    home = router.db_for_write(Job)
    for alias in {home, config.RECOVERY_DB_ALIAS or home}:
        settings = connections.settings[alias]
        for option, value in _network_options(settings["ENGINE"]).items():
            if f"PG{option.upper()}" not in os.environ:  # libpq reads PGCONNECT_TIMEOUT
                settings["OPTIONS"].setdefault(option, value)


def _network_options(engine: str) -> dict[str, int]:
    patience = max(int(config.LEASE / 8), 2)  # libpq takes whole seconds, 2 or more
    if "postg" in engine:
        return {
            "connect_timeout": patience,
            # Less than a lease in all. Not much less: the connections of jobs have them, too, and
            # may survive a short interruption.
            "keepalives_idle": patience * 2,
            "keepalives_interval": patience,
            "keepalives_count": 3,
            "tcp_user_timeout": patience * 6 * 1000,  # ms
        }
    return {"connect_timeout": patience} if "mysql" in engine else {}


def longest_connect() -> float:
    """Seconds that an attempt to connect to the jobs' database may take, if it is known."""
    options = connections.settings[router.db_for_write(Job)]["OPTIONS"]
    return float(options.get("connect_timeout", 0))


def _pool_of(settings: dict[str, Any]) -> Any:
    return (settings.get("OPTIONS") or {}).get("pool")


def tidy_connections() -> None:
    """After a unit of work: drop broken connections, and those left inside a transaction."""
    if not getattr(_here, "has_connected", False):
        return
    renew_connections()
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            # A job left it behind; only a new one has no memory of that transaction.
            _discard(connection)
        elif connection.connection is not None:
            try:
                if not connection.get_autocommit():
                    connection.close()
                connection.close_if_unusable_or_obsolete()
            except Error:
                _discard(connection)
    spare_connections()


def renew_connections() -> None:
    """Before a unit of work: drop connections that were opened before the database was lost.

    They would fail, or lead to a server that meanwhile is read-only.
    """
    if getattr(_here, "era", _Era.number) != _Era.number:
        _discard_all()


def has_connected(thread: int) -> bool:
    """Whether the thread with this number has ever opened a connection."""
    return thread in _connected


def renew_shared_connections() -> None:
    """The same in a thread that several jobs use in turn: whole connections stay as they are."""
    renew_connections()
    for connection in connections.all(initialized_only=True):
        try:
            connection.close_if_unusable_or_obsolete()
        except Error:
            _discard(connection)


def drop_connections() -> None:
    """After a job that was interrupted, perhaps amid a statement whose answer nobody has read."""
    _discard_all()


def connections_are_scarce() -> bool:
    """Whether the server had none left when this process asked for one a short while ago."""
    return time.monotonic() < _Scarcity.ends_at


def spare_connections() -> None:
    """After a unit of work: keep nothing that others may need more.

    Each process needs several connections. If every one kept the few it got while it waits for
    the rest, none might ever have enough to work.
    """
    if connections_are_scarce():
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                with contextlib.suppress(Exception):  # what was to be done is done
                    connection.close()


def lose_connections(error: BaseException) -> None:
    """After an error of the database: drop what this thread has, without asking whether it works.

    If all sessions to that server are probably gone, or it became read-only, the other threads
    drop theirs before they use them again. A new connection may find a new primary.
    """
    if is_crowded(error):
        _Scarcity.ends_at = time.monotonic() + SPARING
    elif is_disconnection(error) or is_read_only(error):
        _Era.number += 1
        _close_pools()
    _discard_all()


def close_before_fork() -> None:
    """Close what two processes must not share: connections, and pools with their threads."""
    connections.close_all()
    _close_pools()


def _discard_all() -> None:
    _here.era = _Era.number
    for connection in connections.all(initialized_only=True):
        _discard(connection)


def _discard(connection: BaseDatabaseWrapper) -> None:
    # It may be broken in ways that closing it tells; nobody wants to hear of them any more.
    with contextlib.suppress(Exception):
        connection.close()
    with contextlib.suppress(AttributeError):
        del connections[connection.alias]


def _close_pools() -> None:
    for connection in connections.all(initialized_only=True):
        if _pool_of(connection.settings_dict):
            # Another thread may do so at the same time.
            with contextlib.suppress(Exception):
                connection.close_pool()  # type: ignore[attr-defined]
