"""Runs claimed jobs: each queue has its own threads, and its own event loop for ``async def``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from django_jobs.conf import config
from django_jobs.execution import Attempt, attempt, attempt_async
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.runtime.connections import tidy_connections

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.runtime.inflight import Running

Done = Callable[["Running", Attempt], None]


class Executor:
    """Hands jobs to threads and loops; never blocks, because slots were counted at the claim.

    Args:
        queues: queue → jobs at a time.
        done: called in the job's thread or loop with what came of it.
    """

    def __init__(self, queues: Mapping[str, int], done: Done) -> None:
        self._done = done
        self._pools = {
            queue: ThreadPoolExecutor(concurrency, thread_name_prefix=f"queue-{queue}")
            for queue, concurrency in queues.items()
        }
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}

    def start(self, running: Running) -> None:
        """Run a job as soon as a thread takes it."""
        definition = registry.get(running.job.job_name)
        if definition.is_async:
            loop = self._loop_of(running.job.queue)
            asyncio.run_coroutine_threadsafe(self._run_async(definition, running), loop)
        else:
            self._pools[running.job.queue].submit(self._run, definition, running)

    def _run(self, definition: JobDefinition[Any, Any], running: Running) -> None:
        if _came_too_late(running):
            self._done(running, Attempt(Outcome.release("started too late"), 0.0))
            return
        done = attempt(definition, running.job, running.reporter)
        tidy_connections()
        self._done(running, done)

    async def _run_async(self, definition: JobDefinition[Any, Any], running: Running) -> None:
        done = await attempt_async(definition, running.job, running.reporter)
        # Off the loop: the finisher may be behind and make its callers wait.
        await asyncio.to_thread(self._done, running, done)

    def _loop_of(self, queue: str) -> asyncio.AbstractEventLoop:
        if queue not in self._loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name=f"loop-{queue}", daemon=True).start()
            self._loops[queue] = loop
        return self._loops[queue]


def _came_too_late(running: Running) -> bool:
    """Whether the process stood still so long after the claim that the lease may be gone."""
    return time.monotonic() - running.claimed_at > config.LEASE
