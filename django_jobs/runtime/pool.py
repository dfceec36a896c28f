"""The slots of one queue: its threads, its event loop, and the claimed jobs that wait for them."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from django_jobs.conf import config
from django_jobs.execution import Attempt, attempt, attempt_async
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.runtime.connections import tidy_connections

if TYPE_CHECKING:
    from django_jobs.runtime.inflight import Running
    from django_jobs.runtime.pulse import Pulse

logger = logging.getLogger("django_jobs")

Done = Callable[["Running", Attempt], None]

#: What becomes of a job that could not start in time, or was cancelled before it could.
_TOO_LATE: Final = Attempt(Outcome.release("not started in time"), 0.0)

#: Weight of the latest job in the mean duration.
_WEIGHT: Final = 0.1


class QueuePool:
    """Runs jobs in the order they came, at most ``concurrency`` at a time.

    A thread that ends a job goes on with the next one itself, so that short jobs cost no
    hand-over between threads.

    Args:
        queue: its name.
        concurrency: number of slots.
        first_slot: number of its first slot in the process's pulse.
        pulse: where running jobs are shown to the parent.
        done: called in the job's thread or loop with what came of it.
    """

    def __init__(
        self, queue: str, concurrency: int, first_slot: int, pulse: Pulse, done: Done
    ) -> None:
        self.queue = queue
        self.concurrency = concurrency
        self._pid = os.getpid()
        self._pulse = pulse
        self._done = done
        self._lock = threading.Lock()
        self._free = list(range(first_slot, first_slot + concurrency))
        self._waiting: deque[Running] = deque()
        self._started: dict[int, float] = {}
        self._mean: float | None = None
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix=f"queue-{queue}")
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, jobs: Iterable[Running]) -> None:
        """Run claimed jobs as soon as there are slots; never blocks."""
        with self._lock:
            self._waiting.extend(jobs)
            self._fill()

    def take_back(self, older_than: float) -> list[Running]:
        """Remove and return the jobs that have waited for a slot longer than ``older_than`` s."""
        limit = time.monotonic() - older_than
        with self._lock:
            late = [running for running in self._waiting if running.claimed_at <= limit]
            for running in late:
                self._waiting.remove(running)
        return late

    @property
    def free_slots(self) -> int:
        """Slots that nothing runs in."""
        return len(self._free)

    @property
    def waiting(self) -> int:
        """Claimed jobs without a slot."""
        return len(self._waiting)

    def expected_duration(self) -> float | None:
        """Seconds that a job takes; ``None`` before the first one ended.

        Jobs that are still running count with the time they have taken already.
        """
        if self._mean is None:
            return None
        with self._lock:
            oldest = min(self._started.values(), default=None)
        return self._mean if oldest is None else max(self._mean, time.monotonic() - oldest)

    def _fill(self) -> None:
        """Give waiting jobs the free slots; the lock is held."""
        while self._free and self._waiting:
            slot, running = self._free.pop(), self._waiting.popleft()
            if _is_async(running):
                asyncio.run_coroutine_threadsafe(self._run_async(slot, running), self._get_loop())
            else:
                self._threads.submit(self._work, slot, running)

    def _work(self, slot: int, running: Running | None) -> None:
        """Run one job after the other in this thread while there are any."""
        try:
            while running is not None:
                self._run(slot, running)
                running = self._next(slot)
        except BaseException:  # noqa: BLE001 - told, and ended, below
            _end_process()

    def _next(self, slot: int) -> Running | None:
        """The next job for the thread that has this slot; ``None`` gives the slot back."""
        with self._lock:
            if self._waiting and not _is_async(self._waiting[0]):
                return self._waiting.popleft()
            self._free.append(slot)
            self._fill()
        return None

    def _run(self, slot: int, running: Running) -> None:
        if _came_too_late(running):
            self._done(running, _TOO_LATE)
            return
        self._enter(slot, running)
        done = attempt(registry.get(running.job.job_name), running.job, running.reporter)
        if os.getpid() != self._pid:
            os._exit(0)  # the job forked and its copy came back here: it holds no lease
        self._leave(slot, done)
        tidy_connections()
        self._done(running, done)

    async def _run_async(self, slot: int, running: Running) -> None:
        try:
            # A task of its own, whose outcome survives it: a job may cancel the task it runs in.
            ended: list[Attempt] = []
            await asyncio.wait([asyncio.create_task(self._attempt_async(slot, running, ended))])
            done = ended[0] if ended else _TOO_LATE
            # Off the loop: the finisher may be behind and make its callers wait.
            await asyncio.to_thread(self._done, running, done)
            with self._lock:
                self._free.append(slot)
                self._fill()
        except BaseException:  # noqa: BLE001 - told, and ended, below
            _end_process()

    async def _attempt_async(self, slot: int, running: Running, ended: list[Attempt]) -> None:
        if _came_too_late(running):
            return
        self._enter(slot, running)
        definition = registry.get(running.job.job_name)
        done = await attempt_async(definition, running.job, running.reporter)
        self._leave(slot, done)
        ended.append(done)

    def _enter(self, slot: int, running: Running) -> None:
        with self._lock:
            self._started[slot] = time.monotonic()
        self._pulse.enter(slot, running.job.id)

    def _leave(self, slot: int, done: Attempt) -> None:
        self._pulse.leave(slot)
        with self._lock:
            del self._started[slot]
            mean = done.duration if self._mean is None else self._mean
            self._mean = mean + _WEIGHT * (done.duration - mean)

    def _get_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(
                target=_run_for_ever, args=[self._loop], name=f"loop-{self.queue}", daemon=True
            ).start()
        return self._loop


def _run_for_ever(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        loop.run_forever()  # a job may stop the loop, but not for the others


def _end_process() -> None:
    """After an error of our own a job would stay running for ever; the parent rescues it."""
    logger.critical("A job's thread failed; the process ends", exc_info=True)
    os._exit(1)


def _is_async(running: Running) -> bool:
    return registry.get(running.job.job_name).is_async


def _came_too_late(running: Running) -> bool:
    """Whether the process stood still so long after the claim that the lease may be gone."""
    return time.monotonic() - running.claimed_at > config.LEASE
