"""Progress of jobs that run in their caller's process, where nobody else writes it."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import Error, connections, router

from django_jobs.announcing import announce_progress
from django_jobs.conf import config
from django_jobs.models import Job
from django_jobs.registry import registry
from django_jobs.reporting import Reporter
from django_jobs.validation import describe_database_error

if TYPE_CHECKING:
    from django_jobs.stores.base import Store
    from django_jobs.stores.records import ClaimedJob, Report

logger = logging.getLogger("django_jobs")

#: Seconds between two looks whether somebody asked the job to stop.
LOOK: Final = 1.0
#: Seconds to wait at the end for a write that is under way.
LAST_WRITE: Final = 10.0


class DirectReporter(Reporter):
    """Writes by itself, a few times a second, on the caller's connection.

    Inside a transaction it waits: nobody else could see it, and a rollback would lose it.
    """

    def __init__(self, job: ClaimedJob, store: Store) -> None:
        super().__init__(job)
        self._store = store
        self._wrote_at = -math.inf
        self._looked_at = time.monotonic()
        self._caller_has_transaction = _has_transaction()
        self._thread: threading.Thread | None = None

    def progress(self, percent: float, message: str | None) -> None:
        super().progress(percent, message)
        if time.monotonic() - self._wrote_at >= config.PROGRESS_INTERVAL:
            self._wrote_at = time.monotonic()
            self._use_database(self._write)

    @property
    def cancelled(self) -> bool:
        if not self._cancelled and time.monotonic() - self._looked_at >= LOOK:
            self._looked_at = time.monotonic()
            self._use_database(self._look)
        return self._cancelled

    def last(self) -> Report | None:
        # What a thread is just writing would be refused after the job's end.
        if self._thread is not None:
            self._thread.join(LAST_WRITE)
        return super().last()

    def _use_database(self, call: Callable[[], None]) -> None:
        if self._caller_has_transaction or _has_transaction():
            return
        if not _in_event_loop():
            call()
        elif self._thread is None or not self._thread.is_alive():
            # Django forbids queries there, rightly: they would stop every other coroutine.
            self._thread = threading.Thread(target=_run_and_close, args=[call], daemon=True)
            self._thread.start()

    def _write(self) -> None:
        report = self.take()
        if report is None:
            return
        try:
            self._store.report([report])
        except Error as error:
            # It lands with the next write, or with the job's end.
            self.put_back(report)
            logger.warning("Progress could not be written: %s", describe_database_error(error))
        else:
            self.arrived()
            announce_progress(registry.find(self._job.job_name), self._job, report)

    def _look(self) -> None:
        try:
            self._cancelled = self._store.is_cancel_requested(self._job.id)
        except Error as error:
            logger.warning("No word on a cancel request: %s", describe_database_error(error))


def _has_transaction() -> bool:
    return connections[router.db_for_write(Job)].in_atomic_block


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_and_close(call: Callable[[], None]) -> None:
    try:
        call()
    finally:
        connections.close_all()
