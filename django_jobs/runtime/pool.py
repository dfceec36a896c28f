"""Runs the claimed jobs of one queue: in threads, or in an event loop if they are coroutines."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from django_jobs.execution import Attempt, attempt
from django_jobs.runtime.connections import drop_connections, renew_connections, tidy_connections
from django_jobs.runtime.inflight import TOO_LATE
from django_jobs.runtime.isolated import attempt_isolated
from django_jobs.runtime.lifeline import end_process
from django_jobs.runtime.loop import Loop
from django_jobs.runtime.slots import Slots

if TYPE_CHECKING:
    from django_jobs.runtime.inflight import Running
    from django_jobs.runtime.nursery import Nursery
    from django_jobs.runtime.pulse import Pulse

Done = Callable[["Running", Attempt], None]

#: Jobs that take less than this, in seconds, run one after the other in one thread: they can't have
#: waited for anything, so more threads would only fight for the interpreter's lock.
SHORT: Final = 0.0002


class QueuePool:
    """Runs jobs in the order they came, at most ``concurrency`` at a time.

    A thread that ends a job goes on with the next one itself, so that short jobs cost no
    hand-over between threads.

    Args:
        queue: its name, for the names of threads.
        concurrency: number of slots.
        first_slot: number of its first slot in the process's pulse.
        pulse: where running jobs are shown to the parent.
        done: called in the job's thread or loop with what came of it; must not block.
        hungry: called when the jobs are about to run out; safe in any thread.
        nursery: where jobs with a process of their own are started.
    """

    def __init__(
        self,
        queue: str,
        concurrency: int,
        first_slot: int,
        pulse: Pulse,
        done: Done,
        hungry: Callable[[], None],
        nursery: Nursery | None = None,
    ) -> None:
        self.concurrency = concurrency
        self._pid = os.getpid()
        self._done = done
        self._hungry = hungry
        self._nursery = nursery
        self._low = 0
        self._is_fed = False
        self._lock = threading.Lock()
        self._slots = Slots(first_slot, concurrency, pulse)
        self._waiting: deque[Running] = deque()
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=f"queue-{queue}")
        self._loop = Loop(queue, self._slots, self._ended_async)

    def add(self, jobs: Iterable[Running]) -> None:
        """Run claimed jobs as soon as there are slots; never blocks."""
        with self._lock:
            self._waiting.extend(jobs)
            self._fill()

    def take_back(self, older_than: float) -> list[Running]:
        """Remove and return the jobs that have waited for a slot longer than ``older_than`` s."""
        limit = time.monotonic() - older_than
        late: list[Running] = []
        with self._lock:
            # In the order of their claims: the first is the oldest.
            while self._waiting and self._waiting[0].claimed_at <= limit:
                late.append(self._waiting.popleft())
        return late

    def ask_below(self, low: int) -> None:
        """Call ``hungry`` once, when a job ends and no more than ``low`` are left waiting."""
        self._low = low
        self._is_fed = True

    def spread(self) -> bool:
        """Use more threads if short jobs are not so short after all.

        Returns:
            Whether jobs wait although there are free slots: look again in a moment.
        """
        with self._lock:
            self._fill()
            return bool(self._waiting and self._slots.free)

    @property
    def free_slots(self) -> int:
        """Slots that nothing runs in."""
        return len(self._slots.free)

    @property
    def waiting(self) -> int:
        """Claimed jobs without a slot."""
        return len(self._waiting)

    def expected_duration(self) -> float | None:
        """Seconds that a job takes; ``None`` before the first one ended."""
        return self._slots.expected_duration()

    def _fill(self) -> None:
        """Give waiting jobs the free slots; the lock is held."""
        coroutines: list[tuple[int, Running]] = []
        while self._slots.free and self._waiting:
            needs_loop = self._waiting[0].definition.needs_loop
            if not needs_loop and self._one_thread_suffices():
                break
            slot, running = self._slots.free.pop(), self._waiting.popleft()
            if needs_loop:
                coroutines.append((slot, running))
            else:
                self._threads.submit(self._work, slot, running)
        if coroutines:
            self._loop.start(coroutines)

    def _one_thread_suffices(self) -> bool:
        expected = self._slots.expected_duration() if self._slots.busy else None
        return expected is not None and expected < SHORT

    def _work(self, slot: int, running: Running | None) -> None:
        """Run one job after the other in this thread while there are any."""
        try:
            while running is not None:
                self._run(slot, running)
                running = self._next(slot, needs_loop=False)
        except BaseException:  # noqa: BLE001 - told, and ended, below
            end_process()

    def _next(self, slot: int, *, needs_loop: bool) -> Running | None:
        """The next job for the slot, if it is of the same kind; ``None`` gives the slot back."""
        with self._lock:
            if self._waiting and self._waiting[0].definition.needs_loop == needs_loop:
                following = self._waiting.popleft()
            else:
                following = None
                self._slots.free.append(slot)
                self._fill()
        self._ask_if_low()
        return following

    def _ask_if_low(self) -> None:
        if self._is_fed and len(self._waiting) <= self._low:
            self._is_fed = False
            self._hungry()

    def _run(self, slot: int, running: Running) -> None:
        if running.came_too_late():
            self._done(running, TOO_LATE)
            return
        if running.definition.is_isolated:
            self._run_isolated(slot, running)
            return
        renew_connections()
        self._slots.enter(slot, running.job.id, running.job.timeout)
        done = attempt(running.definition, running.job, running.reporter)
        if os.getpid() != self._pid:
            os._exit(0)  # the job forked and its copy came back here: it holds no lease
        if running.job.timeout is not None and done.duration >= running.job.timeout:
            drop_connections()
        tidy_connections()
        self._slots.leave(slot, done.duration, running.job.timeout)
        self._done(running, done)

    def _run_isolated(self, slot: int, running: Running) -> None:
        # Without a limit for the parent to watch: the job's process is ended from here.
        self._slots.enter(slot, running.job.id, None)
        done = attempt_isolated(self._nursery, running)
        self._slots.leave(slot, done.duration, None)
        self._done(running, done)

    def _ended_async(self, slot: int, running: Running, done: Attempt) -> Running | None:
        """Called in the loop; returns the next job for this slot, which it gives back without."""
        self._done(running, done)
        return self._next(slot, needs_loop=True)
