"""A worker process as its parent sees it."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django_jobs.ids import uuid7
from django_jobs.runtime.connections import close_before_fork
from django_jobs.runtime.process import REPLACE, RETIRE, Birth, Process
from django_jobs.runtime.pulse import Pulse

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from uuid import UUID

    from django_jobs.runtime.options import WorkerOptions

logger = logging.getLogger("django_jobs")

_fork = multiprocessing.get_context("fork")


class Child:
    """Forked at once; ``place`` is its number among its siblings, from 0."""

    def __init__(self, options: WorkerOptions, place: int, siblings: Iterable[Child]) -> None:
        self.id = uuid7()
        self.place = place
        self.pulse = Pulse(sum(options.queues.values()))
        self.is_doomed = False
        self.started_at = time.monotonic()
        #: Its jobs that did not end in time and could not be interrupted.
        self.stuck: set[UUID] = set()
        #: Those of them whose failure is written, or that it did not hold any more.
        self.recorded: set[UUID] = set()
        self.retired_at: float | None = None
        theirs, self._orders = _fork.Pipe(duplex=False)
        birth = Birth(self.id, options, theirs, self.pulse, first=place == 0)
        # A copy of another pipe's writing end would keep that child from seeing its parent die.
        inherited = [self._orders, *(sibling._orders for sibling in siblings)]
        # A connection that two processes share is a broken one.
        close_before_fork()
        self._process = _fork.Process(target=_live, args=(birth, inherited), name=f"worker-{place}")
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid or 0

    @property
    def sentinel(self) -> int:
        """Becomes readable when it ends."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """0 after an orderly end, ``None`` while it lives."""
        return self._process.exitcode

    @property
    def has_left_in_order(self) -> bool:
        """Whether it has ended, and as it should: not because a job took its process with it."""
        return self.pulse.has_said_goodbye and self.exit_code in (0, REPLACE)

    def order(self, command: str) -> None:
        """Send a command; a child that is gone does not get it."""
        try:
            self._orders.send(command)
        except OSError:
            return

    def ask_to_stop(self) -> None:
        """Let it finish its jobs and go."""
        self._signal(signal.SIGTERM)

    def retire(self) -> None:
        """Let it end its other jobs and go; another one is going to take its place."""
        if self.retired_at is None:
            self.retired_at = time.monotonic()
            self.order(RETIRE)

    def suspects(self) -> set[UUID]:
        """The jobs of which one may have killed it: none, if we know why it went."""
        if self.has_left_in_order or (self.is_doomed and self.stuck):
            return set()
        return self.pulse.running() - self.stuck

    def kill(self) -> None:
        """End it now; its jobs are rescued."""
        self.is_doomed = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process.is_alive():
            os.kill(self.pid, number)

    def bury(self) -> None:
        """Collect what is left of it."""
        self._process.join()
        self._orders.close()


def _live(birth: Birth, inherited: Iterable[Connection]) -> None:
    for writing_end in inherited:
        writing_end.close()
    # What the site has loaded stays anyway: the collector need not look through it again and
    # again, nor, by doing so, copy the memory that is shared with the parent.
    gc.freeze()
    try:
        Process(birth).run()
    except BaseException:
        logger.critical("A worker process failed", exc_info=True)
        # Not by the ordinary way out, which would wait for jobs that may never end.
        os._exit(1)
