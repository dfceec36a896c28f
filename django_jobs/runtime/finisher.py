"""Writes outcomes in batches, then sends their signals. A crash in between runs jobs again."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from traceback import format_tb
from typing import TYPE_CHECKING, Final, NamedTuple

from django_jobs import failpoints, rollups
from django_jobs.announcing import announce_outcome
from django_jobs.conf import config
from django_jobs.fingerprints import signature
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.runtime.connections import tidy_connections
from django_jobs.runtime.patience import Patience
from django_jobs.runtime.units import unit_of_work
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.outages import is_bad_data, is_outage
from django_jobs.stores.records import Finish
from django_jobs.validation import describe_database_error

if TYPE_CHECKING:
    from django_jobs.execution import Attempt
    from django_jobs.runtime.inflight import InFlight, Running

logger = logging.getLogger("django_jobs")

#: Outcomes per transaction.
BATCH: Final = 500
#: With more outcomes than this waiting to be written nothing is claimed; a crash runs these jobs
#: again.
BACKLOG: Final = 1000
#: Seconds that outcomes wait for more to come while jobs follow each other in quick succession.
LINGER: Final = 0.01
#: Reason of a job that ended with something the database refused.
UNSTORABLE: Final = "the outcome could not be stored"
#: Tries after which a batch is halved: perhaps it is not the database, but too much at once.
TRIES_AS_A_WHOLE: Final = 5
#: The longest pause, in seconds, once the process is ending.
LAST_PAUSE: Final = 1.0


class _Entry(NamedTuple):
    finish: Finish
    duration: float


class Finisher(threading.Thread):
    """One thread with one connection.

    The window in which a crash makes ended jobs run again is ``LINGER`` plus the time of two
    transactions, more while the database is behind; with ``ACK="each"`` one for every slot.
    """

    def __init__(self, inflight: InFlight, actor: str, written: Callable[[], None]) -> None:
        super().__init__(name="finisher", daemon=True)
        self._inflight = inflight
        self._actor = actor
        self._written = written
        self._ended: deque[tuple[Running, Attempt]] = deque()
        self._is_awake = threading.Event()
        self._is_ending = False
        #: Attempts that have ended here and were accepted, those handed back left out.
        self.ended = 0
        self._give_up = threading.Event()
        self._patience = Patience("Writing outcomes")
        self._rollups_due_at = time.monotonic() + rollups.INTERVAL

    def add(self, running: Running, done: Attempt) -> None:
        """Queue the outcome of a job; never blocks."""
        self._ended.append((running, done))
        if not self._is_awake.is_set():
            self._is_awake.set()

    def is_behind(self) -> bool:
        """Whether so much waits to be written that no more jobs should be started.

        Nothing is while outcomes can't be written at all: their number would only grow.
        """
        if self._patience.is_tried:
            return True
        return len(self._ended) > (0 if config.ACK == "each" else BACKLOG)

    def run(self) -> None:
        """Write until told to stop."""
        while batch := self._next_batch():
            unwritten = [entry for entry in batch if not entry[1].is_written]
            if unwritten:
                self._write(self._prepared(unwritten))
            if len(unwritten) < len(batch):
                self._tell_of_written(batch)
            tidy_connections()  # receivers of signals may have used any database
            self._patience.forget()
            self._written()
            self._write_rollups()
        self._rollups_due_at = 0.0
        self._write_rollups()

    def _write_rollups(self) -> None:
        """Now and then, also when nothing ends any more."""
        if time.monotonic() >= self._rollups_due_at:
            self._rollups_due_at = time.monotonic() + rollups.INTERVAL
            # It keeps what it can't write; but to begin a unit may need the database, too, and
            # statistics are no reason for this thread to end.
            with suppress(Exception), unit_of_work():
                rollups.write()
            tidy_connections()

    def _tell_of_written(self, batch: list[tuple[Running, Attempt]]) -> None:
        """``atomic=True`` jobs have written their ends themselves; the rest is as for all."""
        ended = [entry for entry in batch if entry[1].is_written]
        entries = [
            _Entry(Finish(running.job, done.outcome, self._actor), done.duration)
            for running, done in ended
        ]
        self._settle(entries, [done.outcome for _, done in ended])

    def _prepared(self, batch: list[tuple[Running, Attempt]]) -> list[_Entry]:
        # Not while a report is on its way: what can't be written goes back to the reporter.
        with self._inflight.written_in_order:
            return [
                _Entry(
                    Finish(running.job, done.outcome, self._actor, running.reporter.last()),
                    done.duration,
                )
                for running, done in batch
            ]

    def stop(self, timeout: float) -> None:
        """Write what is queued, for at most ``timeout`` seconds, and end."""
        self._is_ending = True
        self._is_awake.set()
        self.join(timeout)
        self._give_up.set()

    def _next_batch(self) -> list[tuple[Running, Attempt]]:
        """Wait for outcomes; an empty list is the end."""
        while not self._ended and not self._is_ending:
            self._is_awake.wait(rollups.INTERVAL if rollups.are_unwritten() else None)
            self._is_awake.clear()  # before looking: what is added from here on sets it again
            self._write_rollups()
        if config.ACK == "each":
            return [self._ended.popleft()] if self._ended else []
        self._linger()
        return [self._ended.popleft() for _ in range(min(len(self._ended), BATCH))]

    def _linger(self) -> None:
        """While jobs end in quick succession, one commit for many is worth a few milliseconds."""
        deadline = time.monotonic() + LINGER
        while len(self._ended) < BATCH and not self._is_ending:
            seen = len(self._ended)
            if len(self._inflight) <= seen or time.monotonic() >= deadline:
                return  # nothing else is on its way, or it takes too long
            time.sleep(LINGER / 5)
            if len(self._ended) == seen:
                return

    def _write(self, batch: list[_Entry]) -> None:
        """Write outcomes, however long the database is away; results are never given up for it."""
        tries = 0
        while not self._give_up.is_set():
            failpoints.reach("finish.pending")
            try:
                with self._inflight.written_in_order, unit_of_work():
                    written = active_store().finish([entry.finish for entry in batch])
            except Exception as error:  # noqa: BLE001 - a job's result may cause any
                if self._refuses(error):
                    # Where, and in the server's words what; a whole traceback shows values of rows.
                    logger.error(
                        "An outcome could not be stored: %s\n%s",
                        describe_database_error(error),
                        "".join(format_tb(error.__traceback__)),
                    )
                    tidy_connections()
                    self._write_one_by_one(batch)
                    return
                tries += 1
                self._wait(error)
                if tries > TRIES_AS_A_WHOLE and len(batch) > 1:
                    middle = len(batch) // 2
                    self._write(batch[:middle])
                    self._write(batch[middle:])
                    return
            else:
                failpoints.reach("finish.written")
                self._patience.worked()
                self._settle(batch, written)
                return

    def _refuses(self, error: Exception) -> bool:
        """Whether it is for these outcomes that the database refused.

        Other errors may be those of a migration under way: they get as long as a lease.
        """
        if is_bad_data(error):
            return True
        return not is_outage(error) and self._patience.seconds_spent > config.LEASE

    def _wait(self, error: Exception) -> None:
        pause = self._patience.failed(error)
        self._give_up.wait(min(pause, LAST_PAUSE) if self._is_ending else pause)

    def _write_one_by_one(self, batch: list[_Entry]) -> None:
        """One bad outcome must not hold up the others, nor be tried for ever."""
        if len(batch) > 1:
            for entry in batch:
                self._write([entry])
            return
        (entry,) = batch
        if entry.finish.outcome.reason == UNSTORABLE:
            self._inflight.settle([entry.finish.job])  # unknown leases are handed back
            return
        signed = signature(entry.finish.job.job_name, UNSTORABLE)
        outcome = Outcome.fail(UNSTORABLE, UNSTORABLE, signature=signed)
        self._write([_Entry(replace(entry.finish, outcome=outcome, report=None), entry.duration)])

    def _settle(self, batch: list[_Entry], written: Sequence[Outcome | None]) -> None:
        self._inflight.settle(entry.finish.job for entry in batch)
        for (finish, duration), outcome in zip(batch, written, strict=True):
            if outcome is not None:
                self.ended += outcome.status != Status.PENDING
                announce_outcome(registry.find(finish.job.job_name), finish.job, outcome, duration)
            else:
                logger.warning(
                    "The lease %d of job %s was lost; its outcome is dropped",
                    finish.job.lease,
                    finish.job.id,
                )
