"""The parent of the worker processes: starts them, keeps their leases alive, outlives them."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from django.db import Error

from django_jobs import signals
from django_jobs.conf import config
from django_jobs.models import DesiredState, WorkerState
from django_jobs.runtime.child import Child
from django_jobs.runtime.connections import lose_connections, tidy_connections
from django_jobs.runtime.heartbeat import Heartbeat
from django_jobs.runtime.options import Mode
from django_jobs.runtime.process import DRAIN, HURRY, LAST_WRITE, RENEW, REPLACE, RUN
from django_jobs.runtime.stuck import StuckJobs
from django_jobs.runtime.units import unit_of_work
from django_jobs.runtime.wakeup import Wakeup
from django_jobs.services.rescue import rescue_dead_process
from django_jobs.validation import describe_database_error

if TYPE_CHECKING:
    from django_jobs.runtime.options import WorkerOptions

logger = logging.getLogger("django_jobs")

#: A child that lived shorter than this, in seconds, is replaced after a growing pause.
SHORT_LIFE: Final = 5.0
LONGEST_PAUSE: Final = 30.0


class Supervisor:
    """Has no threads, so that it may fork at any time, and runs no job."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._heartbeat = Heartbeat(options)
        self._stuck = StuckJobs(f"worker:{options.name}")
        self._wakeup = Wakeup()
        self._children: list[Child] = []
        self._unrescued: list[Child] = []
        self._signals = 0
        self._is_hurried = False
        self._stop_at: float | None = None
        self._done_places: set[int] = set()
        self._desired = DesiredState.RUN
        self._pause = 0.0
        self._start_at = 0.0

    def announce(self) -> None:
        """Write that this worker is about to run, before ``run()``."""
        with unit_of_work():
            self._heartbeat.announce()

    def run(self) -> None:
        """Work until stopped by a signal, by the desired state, or by the mode's own end."""
        self._take_signals()
        signals.emit(signals.worker_started, None, worker=self._options.name, pid=os.getpid())
        try:
            self._fill_places(range(self._options.processes))
            while self._children or not self._is_over:
                self._wakeup.wait(self._seconds_to_sleep(), *(c.sentinel for c in self._children))
                self._step()
        finally:
            # Only after an error of our own is anybody left here.
            for child in self._children:
                child.kill()
        self._say_goodbye()

    def _step(self) -> None:
        tidy_connections()  # receivers of signals may have used any database
        self._bury_dead()
        self._obey_signals()
        self._beat_if_due()
        self._kill_the_hopeless()
        self._replace_stuck()
        self._rescue_after_the_dead()
        self._replace_missing()

    # Children

    def _fill_places(self, places: Iterable[int]) -> None:
        for place in places:
            try:
                child = Child(self._options, place, self._children)
            except OSError as error:
                # The system has no process or no memory to spare now: no reason to end the others.
                logger.error("No worker process could be started: %s", error.strerror)
                self._wait_before_the_next()
                return
            self._children.append(child)
            self._guarded(self._heartbeat.show_process, child)
            if self._desired == DesiredState.DRAIN:
                child.order(DRAIN)

    def _bury_dead(self) -> None:
        for child in [child for child in self._children if child.exit_code is not None]:
            child.bury()
            self._children.remove(child)
            if child.has_left_in_order:
                if child.exit_code == REPLACE:
                    self._unrescued.append(child)
            else:
                logger.error("Worker process %d ended with %s", child.pid, child.exit_code)
                self._unrescued.append(child)
                self._slow_down(child)
            self._guarded(self._heartbeat.remove_process, child)
            if self._has_done_its_part(child):
                self._done_places.add(child.place)

    def _slow_down(self, dead: Child) -> None:
        """Replace a child at once, but one that dies at birth again and again ever more slowly."""
        if time.monotonic() - dead.started_at > SHORT_LIFE:
            self._pause = 0.0
        self._wait_before_the_next()

    def _wait_before_the_next(self) -> None:
        self._start_at = time.monotonic() + self._pause
        self._pause = min(max(self._pause * 2, 1.0), LONGEST_PAUSE)

    def _replace_missing(self) -> None:
        if self._is_ending or self._heartbeat.is_overdue or time.monotonic() < self._start_at:
            return
        # The dead ones' jobs first: a draining process that finds nothing due ends.
        if self._unrescued:
            return
        taken = self._done_places | {child.place for child in self._children}
        self._fill_places(place for place in range(self._options.processes) if place not in taken)

    def _has_done_its_part(self, dead: Child) -> bool:
        """Whether nobody takes its place: a drained process found nothing due when it went."""
        if self._options.mode == Mode.DRAIN:
            return dead.has_left_in_order and dead.exit_code == 0
        return self._options.mode == Mode.ONCE

    def _rescue_after_the_dead(self) -> None:
        """Give the jobs of dead children back at once instead of after their leases."""
        for child in list(self._unrescued):
            if self._guarded(self._stuck.record, child) and self._guarded(
                rescue_dead_process, child.id, child.suspects()
            ):
                self._unrescued.remove(child)

    def _kill_the_hopeless(self) -> None:
        for child in (child for child in self._children if not child.is_doomed):
            if child.pulse.age() > config.LEASE:
                logger.error("Worker process %d has stood still; it is replaced", child.pid)
                child.kill()
            elif self._heartbeat.is_overdue:
                logger.error("Leases could not be renewed in time; process %d ends", child.pid)
                child.kill()
            elif self._stop_at is not None and time.monotonic() > self._stop_at:
                child.kill()

    def _replace_stuck(self) -> None:
        for child in self._children:
            self._stuck.look_at(child)
            if child.stuck != child.recorded:  # else every step would be a unit of work
                self._guarded(self._stuck.record, child)

    # Heartbeat and desired state

    def _beat_if_due(self) -> None:
        if self._heartbeat.seconds_left > 0:
            return
        try:
            desired = self._heartbeat.beat(self._children)
        except Exception as error:  # noqa: BLE001 - whatever it is, the children must be kept
            self._heartbeat.retry_soon(error)
        else:
            self._obey(desired)
            self._replace_all_if_asked()

    def _obey(self, desired: DesiredState) -> None:
        if desired == self._desired:
            return
        self._desired = desired
        logger.info("Worker %s was told to %s", self._options.name, desired)
        if desired == DesiredState.STOP:
            self._stop_children()
            return
        draining = desired == DesiredState.DRAIN
        for child in self._children:
            child.order(DRAIN if draining else RUN)
        state = WorkerState.DRAINING if draining else WorkerState.RUNNING
        self._guarded(self._heartbeat.show_state, state)

    def _replace_all_if_asked(self) -> None:
        if self._heartbeat.is_to_replace and not self._is_ending:
            logger.info("Worker %s was told to replace its processes", self._options.name)
            for child in self._children:
                child.order(RENEW)

    # Signals and the end

    def _take_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        self._signals += 1
        self._wakeup.set()

    def _obey_signals(self) -> None:
        if self._signals and not self._is_ending:
            self._stop_children()
        elif self._is_ending:
            # Again and again, for a child that was just being born did not hear the first one.
            for child in self._children:
                child.ask_to_stop()
        if self._signals > 1 and not self._is_hurried:
            self._is_hurried = True
            for child in self._children:
                child.order(HURRY)

    def _stop_children(self) -> None:
        self._stop_at = time.monotonic() + config.GRACE + LAST_WRITE + 5.0
        self._guarded(self._heartbeat.show_state, WorkerState.DRAINING)
        for child in self._children:
            child.ask_to_stop()

    @property
    def _is_ending(self) -> bool:
        return self._stop_at is not None

    @property
    def _is_over(self) -> bool:
        return self._is_ending or len(self._done_places) == self._options.processes

    def _seconds_to_sleep(self) -> float:
        return min(self._heartbeat.seconds_left, 1.0)

    def _say_goodbye(self) -> None:
        # All is done: one signal more shall not make it look like a failure.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        self._rescue_after_the_dead()
        self._guarded(self._heartbeat.say_goodbye)
        signals.emit(signals.worker_stopped, None, worker=self._options.name, pid=os.getpid())

    def _guarded(self, action: Callable[..., object], *arguments: object) -> bool:
        """Do something with the database; its failure never ends the supervisor.

        While the database is away only the heartbeat asks for it: whatever else waited for an
        answer would keep the children from being ended in time.
        """
        if self._heartbeat.is_away:
            return False
        try:
            with unit_of_work():
                action(*arguments)
        except Error as error:
            logger.warning("The database did not answer: %s", describe_database_error(error))
            lose_connections(error)
            return False
        except Exception:
            logger.exception("%s failed", getattr(action, "__name__", action))
            return False
        return True
