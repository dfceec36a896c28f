"""Ends the wait for a database that says nothing any more while its connection stays up.

A server's own time limit does not help when its answer never arrives: behind a network that
swallows packets, a read waits for hours. Cutting the socket makes the read fail, and the ordinary
way to reconnect takes over.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("django_jobs")

#: PQTRANS_ACTIVE of libpq: a statement was sent and its answer has not come.
_ACTIVE: Final = 1
#: Looks per allowance.
_LOOKS: Final = 10


class Watch:
    """A connection, and until when it may be silent."""

    __slots__ = ("_allowance", "connection", "deadline", "is_asking")

    def __init__(self, connection: BaseDatabaseWrapper, allowance: float) -> None:
        self.connection = connection
        self._allowance = allowance
        self.begin()
        self.is_asking = False

    def begin(self) -> None:
        """Another statement is sent: the time starts again."""
        self.deadline = time.monotonic() + self._allowance
        self.is_asking = True

    def end(self) -> None:
        """Its answer is here. A commit may follow, which has as much time."""
        self.deadline = time.monotonic() + self._allowance
        self.is_asking = False

    @property
    def waits(self) -> bool:
        """Whether an answer is due, as far as the driver tells; if not, as far as we know."""
        raw: Any = self.connection.connection
        try:
            if (driver := getattr(raw, "pgconn", None)) is not None:  # psycopg 3
                return bool(driver.transaction_status == _ACTIVE)
            if hasattr(raw, "get_transaction_status"):  # psycopg 2
                return bool(raw.get_transaction_status() == _ACTIVE)
        except Exception:  # noqa: BLE001 - it is being closed
            return False
        return self.is_asking or self.connection.in_atomic_block


class Watchdog(threading.Thread):
    """Looks at what other threads wait for.

    Args:
        allowance: the shortest time, in seconds, that any of them allows.
    """

    def __init__(self, allowance: float) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._pause = min(allowance / _LOOKS, 1.0)
        self._watches: dict[int, Watch] = {}
        self._stopping = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        while not self._stopping.wait(self._pause):
            for watch in list(self._watches.copy().values()):
                if time.monotonic() > watch.deadline:
                    cut(watch)

    def stop(self) -> None:
        """End at once."""
        self._stopping.set()

    @contextmanager
    def watching(self, watch: Watch) -> Iterator[None]:
        """Look at this one as well during the block."""
        self._watches[id(watch)] = watch
        try:
            yield
        finally:
            del self._watches[id(watch)]


_resident: Watchdog | None = None


def take_up_residence(allowance: float) -> Watchdog:
    """Start the one watchdog of a process that has threads anyway."""
    global _resident
    _resident = Watchdog(allowance)
    _resident.start()
    return _resident


@contextmanager
def watched(connection: BaseDatabaseWrapper, allowance: float) -> Iterator[Watch]:
    """Cut the connection when a statement of the block gets no answer for ``allowance`` seconds.

    Where no watchdog lives, one does for the block: the supervisor may fork only without threads.
    (A signal would not do: some drivers go on waiting after one.)
    """
    watch = Watch(connection, allowance)
    if _resident is not None and _resident.is_alive():
        with _resident.watching(watch):
            yield watch
        return
    visitor = Watchdog(allowance)
    visitor.start()
    try:
        with visitor.watching(watch):
            yield watch
    finally:
        visitor.stop()
        visitor.join()


def cut(watch: Watch) -> bool:
    """Shut the socket of a connection down if it waits for an answer; called in another thread."""
    raw: Any = watch.connection.connection
    if raw is None or not watch.waits:
        return False
    try:
        number = raw.fileno()
        copy = os.dup(number)
    except Exception:  # noqa: BLE001 - it is being closed, or this driver has no number to give
        return False
    with socket.socket(fileno=copy) as ours:
        # The number may have been given to another socket before it was copied, not after.
        if watch.connection.connection is not raw or not watch.waits:
            return False
        logger.warning("The database has not answered in time; the connection is cut")
        try:
            ours.shutdown(socket.SHUT_RDWR)
        except OSError:
            return False
    return True
