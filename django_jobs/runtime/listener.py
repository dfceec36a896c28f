"""Hears PostgreSQL's wake-up hints. Optional: polling finds the same jobs a little later."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, router

from django_jobs.conf import config
from django_jobs.models import Job
from django_jobs.stores.hints import CHANNEL
from django_jobs.validation import describe_exception

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("django_jobs")

LONGEST_PAUSE: Final = 30.0


class Listener(threading.Thread):
    """Listens on a connection of its own and reconnects for ever.

    Args:
        wake: called at every hint.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__(name="listener", daemon=True)
        self._wake = wake
        self._stopping = threading.Event()

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
        pause = 0.5
        while not self._stopping.is_set():
            try:
                self._listen()
                pause = 0.5
            except Exception as error:  # noqa: BLE001 - the driver's own errors, not Django's
                logger.info("No hints, polling goes on: %s", describe_exception(error))
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """End within a second."""
        self._stopping.set()

    def _listen(self) -> None:
        connection = connections[router.db_for_write(Job)].copy("django_jobs_listener")
        try:
            connection.ensure_connection()
            driver: Any = connection.connection
            driver.execute(f"LISTEN {CHANNEL}")
            self._wake()  # what was announced before we listened
            while not self._stopping.is_set():
                for _hint in driver.notifies(timeout=1.0, stop_after=1):
                    self._wake()
        finally:
            connection.close()
