"""Runs the periodic services in a thread of a worker process."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from django.db import Error

from django_jobs.runtime.claimer import jittered
from django_jobs.runtime.connections import tidy_connections
from django_jobs.services import all_services
from django_jobs.validation import describe_exception

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_jobs.services import Service

logger = logging.getLogger("django_jobs")


class Ticker(threading.Thread):
    """Runs each service when its interval has passed.

    Args:
        on_work: called when a service changed something, so that new work is claimed at once.
    """

    def __init__(self, on_work: Callable[[], None]) -> None:
        super().__init__(name="services", daemon=True)
        self._on_work = on_work
        self._stopping = threading.Event()
        self._services = all_services()
        self._due_at = dict.fromkeys(range(len(self._services)), 0.0)

    def run(self) -> None:
        """Tick until told to stop."""
        while not self._stopping.wait(self.tick()):
            pass

    def stop(self) -> None:
        """End after the current round."""
        self._stopping.set()

    def tick(self) -> float:
        """Run every service that is due; return the seconds until the next one is."""
        for index, service in enumerate(self._services):
            if time.monotonic() >= self._due_at[index]:
                self._run(service)
                self._due_at[index] = time.monotonic() + jittered(service.interval())
        return max(min(self._due_at.values()) - time.monotonic(), 0.01)

    def _run(self, service: Service) -> None:
        try:
            if service.run():
                self._on_work()
        except Error as error:
            logger.warning("The service %r failed: %s", service.name, describe_exception(error))
        except Exception:
            logger.exception("The service %r failed; it runs again in its next turn", service.name)
        finally:
            tidy_connections()
