"""One worker process: claims, runs, finishes. Its parent keeps its leases alive."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import Error

from django_jobs.conf import config
from django_jobs.execution import Attempt
from django_jobs.outcome import Outcome
from django_jobs.runtime.claimer import LONGEST_WAIT, Claimer, jittered
from django_jobs.runtime.connections import prepare_connections, tidy_connections
from django_jobs.runtime.finisher import Finisher
from django_jobs.runtime.inflight import InFlight
from django_jobs.runtime.lifeline import die_with_parent
from django_jobs.runtime.listener import Listener
from django_jobs.runtime.nursery import Nursery
from django_jobs.runtime.options import Mode, WorkerOptions
from django_jobs.runtime.pool import QueuePool
from django_jobs.runtime.reports import Reports
from django_jobs.runtime.ticker import Ticker
from django_jobs.runtime.units import SLACK, unit_of_work
from django_jobs.runtime.wakeup import Wakeup
from django_jobs.runtime.watchdog import take_up_residence
from django_jobs.runtime.wear import Wear
from django_jobs.services.promote import promote_due
from django_jobs.stores import active_store
from django_jobs.stores.records import Finish
from django_jobs.validation import describe_database_error

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from uuid import UUID

    from django_jobs.runtime.inflight import Running
    from django_jobs.runtime.pulse import Pulse

logger = logging.getLogger("django_jobs")

#: Commands of the parent.
RUN: Final = "run"
DRAIN: Final = "drain"
HURRY: Final = "hurry"  # a stopping process releases its jobs at once
RETIRE: Final = "retire"  # like SIGTERM, but another process takes its place
RENEW: Final = "renew"  # another process takes its place as soon as its jobs have ended
#: Exit code of a process that wants another one in its place; 0 is an end for good.
REPLACE: Final = 3
#: Seconds that short jobs may keep others waiting before these get threads of their own.
SPREAD: Final = 0.005
#: Seconds that outcomes may take to be written once everything else has stopped.
LAST_WRITE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Birth:
    """What a process is born with.

    Attributes:
        id: new for every process; labels like host and pid come back, this never does.
        options: of its worker.
        orders: the parent's commands; its end means that the parent is gone.
        pulse: where it shows its parent that it is alive.
        first: whether it is the one of its siblings that runs the services.
    """

    id: UUID
    options: WorkerOptions
    orders: Connection
    pulse: Pulse
    first: bool


class Process:
    """The main loop of a worker process."""

    def __init__(self, birth: Birth) -> None:
        self._birth = birth
        self._wakeup = Wakeup()
        self._pid = os.getpid()
        self._is_stopping = False
        self._is_hurried = False
        self._exit_code = 0
        self._draining = False
        actor = f"worker:{birth.options.name}"
        self._actor = actor
        self._inflight = InFlight()
        self._finisher = Finisher(self._inflight, actor, self._wakeup.set)
        self._reports = Reports(self._inflight, birth.id, actor)
        self._nursery = Nursery.if_needed()  # forks, so before there is any thread
        self._pools = self._make_pools()
        self._claimer = Claimer(self._pools, birth.id, actor, self._inflight, self._finisher)
        self._helpers: list[Any] = []
        self._wear = Wear()

    def _make_pools(self) -> dict[str, QueuePool]:
        pools: dict[str, QueuePool] = {}
        first_slot = 0
        for queue, concurrency in self._birth.options.queues.items():
            pulse = self._birth.pulse
            pools[queue] = QueuePool(
                queue,
                concurrency,
                first_slot,
                pulse,
                self._finisher.add,
                self._wakeup.set,
                self._nursery,
            )
            first_slot += concurrency
        return pools

    def run(self) -> None:
        """Work until told to stop, then leave nothing running."""
        die_with_parent()
        self._take_signals()
        prepare_connections()
        self._start_threads()
        mode = self._birth.options.mode
        if mode == Mode.ONCE:
            self._claimer.claim()
            self._wait_for_jobs(deadline=None)
        else:
            self._loop(until_idle=mode == Mode.DRAIN)
        if self._exit_code and not self._is_stopping:
            # Nobody is in a hurry: no job is interrupted for it.
            self._hand_back(self._claimer.late(older_than=0))
            self._wait_for_jobs(deadline=None)
        self._shut_down()

    def _loop(self, *, until_idle: bool) -> None:
        while not self._is_stopping and not self._is_worn_out():
            was_idle = not len(self._inflight)
            claimed = 0 if self._draining else self._claimer.claim()
            self._birth.pulse.beat()
            pause = self._pause()
            self._hand_back(self._claimer.late())
            self._end_if_crippled()
            # Only with every slot free does an empty claim mean that nothing is due.
            is_done = until_idle and was_idle and claimed == 0 and not self._is_worn_out()
            if is_done and not self._more_became_due():
                return
            self._sleep(0 if claimed else pause)

    def _pause(self) -> float:
        """Spread waiting jobs over free slots; return the seconds until the next look, at most."""
        # A list, not any(): every pool must spread.
        held_back = [pool for pool in self._pools.values() if pool.spread()]
        if held_back:
            return SPREAD
        pause = jittered(config.POLL_INTERVAL)
        if self._claimer.patience.is_tried:
            pause = min(pause, self._claimer.patience.seconds_left)
        is_late_soon = any(pool.waiting for pool in self._pools.values())
        return min(pause, LONGEST_WAIT) if is_late_soon else pause

    def _more_became_due(self) -> int:
        """Promote without waiting for the service, which may not even run in this process."""
        try:
            with unit_of_work():
                return promote_due()
        except Error as error:
            self._claimer.patience.failed(error)
            return 1

    def _sleep(self, seconds: float) -> None:
        if not self._wakeup.wait(seconds, self._birth.orders):
            return
        try:
            order = self._birth.orders.recv()
        except EOFError:
            # The parent is gone and renews nothing: whatever runs here will run elsewhere.
            os._exit(1)
        if order == RETIRE:
            self._exit_code = REPLACE
            self._is_stopping = True
        if order == RENEW:
            self._exit_code = REPLACE
            return  # nothing else is different than before
        self._is_hurried = order == HURRY
        self._draining = order == DRAIN

    def _hand_back(self, jobs: Iterable[Running]) -> None:
        for running in jobs:
            self._finisher.add(running, Attempt(Outcome.release("waited for a slot"), 0.0))

    def _start_threads(self) -> None:
        self._helpers = [self._reports]
        if self._birth.first and self._birth.options.services:
            ticker = Ticker(self._wakeup.set)
            if self._birth.options.mode != Mode.FOREVER:
                ticker.tick()  # so that --once and --drain see what is due by now
            self._helpers.append(ticker)
        if self._birth.options.mode == Mode.FOREVER and Listener.is_possible():
            self._helpers.append(Listener(self._wakeup.set))
        tidy_connections()
        # It may end before the finisher does: without it everybody has one of their own.
        self._helpers.append(take_up_residence(config.control_timeout * SLACK))
        self._finisher.start()
        for helper in self._helpers:
            if not helper.is_alive():
                helper.start()

    def _take_signals(self) -> None:
        # Ctrl-C reaches the whole terminal group; the parent decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # SIGTERM may reach it too, from systemd and from its parent: once or twice is the same.
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        if os.getpid() != self._pid:
            # In a process that a job forked: there it shall end as everywhere.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self._is_stopping = True
        self._wakeup.set()

    def _is_worn_out(self) -> bool:
        """Whether this process has done or eaten so much that a new one shall go on."""
        if self._nursery is not None and not self._nursery.is_alive():
            logger.error("The nursery of worker process %d has died; both are replaced", self._pid)
            self._exit_code = 1
        elif reason := self._wear.reason(self._finisher.ended):
            logger.info("Worker process %d is replaced: %s", self._pid, reason)
            self._exit_code = REPLACE
        return bool(self._exit_code)

    def _end_if_crippled(self) -> None:
        """Without one of its threads this process would hold jobs that never end."""
        for thread in (self._finisher, *self._helpers):
            if not thread.is_alive():
                logger.critical("The thread %r has died; the process ends", thread.name)
                os._exit(1)

    def _shut_down(self) -> None:
        self._hand_back(self._claimer.late(older_than=0))
        self._wait_for_jobs(deadline=time.monotonic() + config.GRACE)
        for helper in self._helpers:
            helper.stop()
        self._finisher.stop(LAST_WRITE)
        if self._nursery is not None:
            self._nursery.close()  # what is released must not go on here
        self._release_rest()
        # Threads that still run a job can't be stopped; their leases are released.
        logging.shutdown()
        self._birth.pulse.say_goodbye()
        os._exit(self._exit_code)

    def _wait_for_jobs(self, deadline: float | None) -> None:
        """Wait until all bodies have ended, the time is up, or the parent is in a hurry."""
        while self._can_wait_for_some() and not self._is_hurried:
            if deadline is not None and time.monotonic() >= deadline:
                return
            if deadline is None and self._is_stopping:
                return
            self._birth.pulse.beat()
            self._sleep(min(config.POLL_INTERVAL, 1.0))

    def _can_wait_for_some(self) -> bool:
        """Whether a body runs that is not stuck; what becomes of those the parent says."""
        busy = sum(pool.concurrency - pool.free_slots for pool in self._pools.values())
        return busy > len(self._birth.pulse.overdue())

    def _release_rest(self) -> None:
        release = Outcome.release("worker stopped")
        stuck = self._birth.pulse.overdue()
        rest = [
            Finish(running.job, release, self._actor, running.reporter.last())
            for running in self._inflight.all()
            if running.job.id not in stuck
        ]
        if not rest:
            return
        try:
            with unit_of_work():
                active_store().finish(rest)
        except Error as error:
            logger.error(
                "%d jobs could not be released; their leases will run out: %s",
                len(rest),
                describe_database_error(error),
            )
