"""Runs the periodic services in a thread of a worker process."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from django_jobs.runtime.claimer import jittered
from django_jobs.runtime.connections import tidy_connections
from django_jobs.runtime.patience import Patience
from django_jobs.runtime.units import unit_of_service
from django_jobs.services import all_services
from django_jobs.stores.outages import is_outage

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
        self._patience = Patience("The services")

    def run(self) -> None:
        """Tick until told to stop."""
        while not self._stopping.wait(self.tick()):
            pass

    def stop(self) -> None:
        """End after the current round."""
        self._stopping.set()

    def tick(self) -> float:
        """Run every service that is due; return the seconds until the next one is.

        When one finds the database away all of them wait a while. It had its turn, though: one
        that is always too slow must not keep the others from theirs.
        """
        for index in sorted(self._due_at, key=lambda index: self._due_at[index]):
            service = self._services[index]
            if time.monotonic() < self._due_at[index]:
                continue
            answered = self._run(service)
            self._due_at[index] = time.monotonic() + jittered(service.interval())
            if not answered:
                return self._patience.seconds_left
        return max(min(self._due_at.values()) - time.monotonic(), 0.01)

    def _run(self, service: Service) -> bool:
        """Run one; return whether the database was there."""
        try:
            with unit_of_service():
                has_changed = service.run()
        except Exception as error:
            if is_outage(error):
                self._patience.failed(error)
                return False
            logger.exception("The service %r failed; it runs again in its next turn", service.name)
        else:
            self._patience.worked()
            if has_changed:
                self._on_work()
        finally:
            tidy_connections()
        return True
