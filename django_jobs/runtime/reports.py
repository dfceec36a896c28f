"""Writes what running jobs report, tells them of cancel requests, and looks for lost claims."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from django.db import Error

from django_jobs.announcing import announce_progress
from django_jobs.conf import config
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.runtime.connections import tidy_connections
from django_jobs.runtime.patience import Patience
from django_jobs.runtime.units import unit_of_work
from django_jobs.stores import active_store
from django_jobs.stores.records import ClaimedJob, Finish, Held

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django_jobs.runtime.inflight import InFlight, Running
    from django_jobs.stores.records import Report

logger = logging.getLogger("django_jobs")

#: Seconds between two looks at the leases of this process while jobs run, and while none does.
LOOK: Final = 1.0
IDLE_LOOK: Final = 15.0


class Reports(threading.Thread):
    """A thread with a connection of its own: never inside the transaction of a job."""

    def __init__(self, inflight: InFlight, process: UUID, actor: str) -> None:
        super().__init__(name="reports", daemon=True)
        self._inflight = inflight
        self._process = process
        self._actor = actor
        self._stopping = threading.Event()
        self._looked_at = time.monotonic()
        self._suspects: set[tuple[UUID, int]] = set()
        self._patience = Patience("Writing progress")

    def run(self) -> None:
        """Work until told to stop."""
        while not self._stopping.wait(max(config.PROGRESS_INTERVAL, self._patience.seconds_left)):
            tidy_connections()
            try:
                self.flush()
                has_looked = self._look_at_leases()
            except Error as error:
                # Nothing is lost: news stay with the jobs until they are written.
                self._patience.failed(error)
            else:
                if has_looked:
                    self._patience.worked()

    def stop(self) -> None:
        """End after the current round."""
        self._stopping.set()

    def flush(self) -> None:
        """Write all news now."""
        with self._inflight.written_in_order:
            news = [(running, running.reporter.take()) for running in self._inflight.all()]
            reports = [(running, report) for running, report in news if report is not None]
            if reports:
                self._write(reports)
        for running, report in reports:
            running.reporter.arrived()
            announce_progress(registry.find(running.job.job_name), running.job, report)

    def _write(self, reports: Sequence[tuple[Running, Report]]) -> None:
        try:
            with unit_of_work():
                active_store().report([report for _, report in reports])
        except Error:
            for running, report in reports:
                running.reporter.put_back(report)
            raise

    def _look_at_leases(self) -> bool:
        """Ask the database what this process holds, when it is time; return whether it was."""
        interval = LOOK if len(self._inflight) else IDLE_LOOK
        if time.monotonic() - self._looked_at < interval or self._inflight.is_claiming:
            return False
        with unit_of_work():
            held = active_store().held_by(self._process)
        self._looked_at = time.monotonic()
        for lease in held:
            running = self._inflight.get(lease.job_id)
            if lease.cancel_requested and running is not None:
                running.reporter.request_cancel()
        self._release_unknown(held)
        return True

    def _release_unknown(self, held: Sequence[Held]) -> None:
        """Hand back leases that this process holds without knowing.

        They come from a claim whose commit arrived although its reply was lost. The parent
        would renew them for ever. Seen twice, because a claim may have begun during the look.
        """
        unknown = {(lease.job_id, lease.lease) for lease in held if not self._knows(lease)}
        lost = unknown & self._suspects
        self._suspects = unknown - lost
        if lost:
            logger.warning("Handing back %d claims whose reply was lost", len(lost))
            outcome = Outcome.release("claim was lost")
            finishes = [
                Finish(_placeholder(job_id, lease), outcome, self._actor) for job_id, lease in lost
            ]
            with unit_of_work():
                active_store().finish(finishes)

    def _knows(self, lease: Held) -> bool:
        running = self._inflight.get(lease.job_id)
        return running is not None and running.job.lease == lease.lease


def _placeholder(job_id: UUID, lease: int) -> ClaimedJob:
    return ClaimedJob(
        id=job_id,
        job_name="",
        queue="",
        params={},
        lease=lease,
        attempt=0,
        failure_count=0,
        max_attempts=0,
        timeout=None,
        correlation_id="",
    )
