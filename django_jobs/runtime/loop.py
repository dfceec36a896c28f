"""The event loop of a queue's ``async def`` jobs, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async

from django_jobs.execution import Attempt, attempt_async
from django_jobs.runtime.connections import has_connected, renew_shared_connections
from django_jobs.runtime.inflight import TOO_LATE
from django_jobs.runtime.lifeline import end_process

if TYPE_CHECKING:
    from django_jobs.runtime.inflight import Running
    from django_jobs.runtime.slots import Slots

Ended = Callable[[int, "Running", Attempt], "Running | None"]


class Loop:
    """Starts one task per job. The thread starts with the first job.

    Args:
        queue: name of the queue, for the thread's name.
        slots: told when a body begins and ends.
        ended: called in the loop with what came of a job; returns the next one for its slot.
    """

    def __init__(self, queue: str, slots: Slots, ended: Ended) -> None:
        self._queue = queue
        self._slots = slots
        self._ended = ended
        self._pid = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        #: The thread in which Django asks the database for all coroutines, once it is known.
        self._database_thread: int | None = None
        self._chores: set[asyncio.Task[None]] = set()

    def start(self, jobs: Sequence[tuple[int, Running]]) -> None:
        """Run jobs in their slots; called from any thread, one at a time."""
        self._running_loop().call_soon_threadsafe(self._start, jobs)

    def _start(self, jobs: Sequence[tuple[int, Running]]) -> None:
        for slot, running in jobs:
            self._start_one(slot, running)

    def _start_one(self, slot: int, running: Running) -> None:
        self._look_after_connections()
        # The outcome survives the task: a job may cancel the one it runs in.
        outcome: list[Attempt] = []
        task = self._running_loop().create_task(self._attempt(slot, running, outcome))
        task.add_done_callback(partial(self._settle, slot, running, outcome))

    def _look_after_connections(self) -> None:
        """Have broken ones dropped before the job asks for one: that thread takes turns.

        It is not ours, so that nobody else does; and jobs that never ask pay nothing.
        """
        thread = self._database_thread
        # The first look finds out which thread it is.
        if has_connected(thread) if thread is not None else not self._chores:
            chore = self._running_loop().create_task(self._renew_connections())
            self._chores.add(chore)
            chore.add_done_callback(self._chores.discard)

    async def _renew_connections(self) -> None:
        self._database_thread = await sync_to_async(_renewed_in)()

    async def _attempt(self, slot: int, running: Running, outcome: list[Attempt]) -> None:
        if running.came_too_late():
            return
        self._slots.enter(slot, running.job.id, running.job.timeout)
        done = await attempt_async(running.definition, running.job, running.reporter)
        if os.getpid() != self._pid:
            os._exit(0)  # the job forked and its copy came back here: it holds no lease
        self._slots.leave(slot, done.duration, running.job.timeout)
        outcome.append(done)

    def _settle(
        self, slot: int, running: Running, outcome: list[Attempt], _task: asyncio.Task[None]
    ) -> None:
        try:
            following = self._ended(slot, running, outcome[0] if outcome else TOO_LATE)
            if following is not None:
                self._start_one(slot, following)
        except BaseException:  # noqa: BLE001 - told, and ended, below
            end_process()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(
                target=_run_for_ever, args=[self._loop], name=f"loop-{self._queue}", daemon=True
            ).start()
        return self._loop


def _renewed_in() -> int:
    renew_shared_connections()
    return threading.get_ident()


def _run_for_ever(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        loop.run_forever()  # a job may stop the loop, but not for the others
