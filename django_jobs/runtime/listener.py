"""Hears PostgreSQL's wake-up hints. Optional: polling finds the same jobs a little later."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, router

from django_jobs.conf import config
from django_jobs.models import Job
from django_jobs.runtime.connections import connections_are_scarce
from django_jobs.runtime.patience import pause_after
from django_jobs.runtime.watchdog import watched
from django_jobs.stores.hints import CHANNEL
from django_jobs.stores.poolers import is_direct
from django_jobs.validation import describe_database_error

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("django_jobs")

#: Seconds without a hint after which the connection is asked whether it still is one.
SILENCE: Final = 30.0


class Listener(threading.Thread):
    """Listens on a connection of its own and reconnects for ever.

    Args:
        wake: called at every hint.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__(name="listener", daemon=True)
        self._wake = wake
        self._stopping = threading.Event()
        self._tries = 0

    @staticmethod
    def is_possible() -> bool:
        """Whether the jobs' database sends hints and its driver can hear them."""
        connection = connections[router.db_for_write(Job)]
        if not config.NOTIFY or connection.vendor != "postgresql":
            return False
        driver: Any = getattr(connection, "Database", None)
        return str(getattr(driver, "__version__", "")).startswith("3")

    def run(self) -> None:
        """Listen until told to stop."""
        while not self._stopping.is_set():
            if connections_are_scarce():
                self._stopping.wait(1.0)
                continue
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - the driver's own errors, not Django's
                self._tries += 1
                pause = pause_after(self._tries)
                logger.info(
                    "No hints for %.1f s, polling goes on: %s",
                    pause,
                    describe_database_error(error),
                )
                self._stopping.wait(pause)

    def stop(self) -> None:
        """End within a second."""
        self._stopping.set()

    def _listen(self) -> None:
        connection = connections[router.db_for_write(Job)].copy("django_jobs_listener")
        try:
            connection.ensure_connection()
            with watched(connection, config.control_timeout):
                direct = is_direct(connection)
            if not direct:
                # LISTEN would reach a connection that the pooler gives to others.
                logger.warning(
                    "A pooler stands before PostgreSQL: no hints, polling goes on. "
                    "Set NOTIFY to False to save what they cost."
                )
                connection.close()
                self._stopping.wait()
                return
            driver: Any = connection.connection
            while not self._stopping.is_set():
                if connections_are_scarce():
                    return  # hints are a luxury
                with watched(connection, config.control_timeout):
                    driver.execute(f"LISTEN {CHANNEL}")
                self._tries = 0
                self._wake()  # what was announced before we listened
                self._hear(driver)
        finally:
            connection.close()

    def _hear(self, driver: Any) -> None:
        """Pass hints on until there was none for long."""
        heard_at = time.monotonic()
        while time.monotonic() - heard_at < SILENCE:
            if self._stopping.is_set() or connections_are_scarce():
                return
            for _hint in driver.notifies(timeout=1.0, stop_after=1):
                heard_at = time.monotonic()
                self._wake()
