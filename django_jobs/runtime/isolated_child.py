"""The process of one isolated job: makes one attempt, tells what came of it, and ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from django.db import connections

from django_jobs.exceptions import Cancel, JobTimeout
from django_jobs.execution import Attempt, attempt, attempt_async, failed
from django_jobs.registry import registry
from django_jobs.runtime.lifeline import die_with_parent
from django_jobs.runtime.relay import RelayingReporter
from django_jobs.runtime.wire import attempt_as_json, job_from_json, packed, unpacked

if TYPE_CHECKING:
    from types import FrameType

    from django_jobs.definitions import JobDefinition
    from django_jobs.reporting import Reporter
    from django_jobs.runtime.wire import Message
    from django_jobs.stores.records import ClaimedJob

logger = logging.getLogger("django_jobs")

#: Exit status of a process that failed without the job's doing.
BROKEN: Final = 70


def become_job_process(wire: socket.socket) -> NoReturn:
    """Called in the child of the nursery; never returns."""
    nursery = os.getppid()
    status = BROKEN
    try:
        # A session of its own: no terminal's Ctrl-C, and all that it starts can be killed with it.
        os.setsid()
        die_with_parent()
        if os.getppid() == nursery:
            JobProcess(wire).run()
            status = 0
    except BaseException:
        logger.critical("The process of an isolated job failed", exc_info=True)
    finally:
        os._exit(status)


class JobProcess:
    """What happens in it."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._lines = wire.makefile("rb")
        self._sending = threading.Lock()
        self._pid = os.getpid()
        self._why_end: str | None = None

    def run(self) -> None:
        """Make the attempt."""
        # SIGINT stays ignored, as in its worker: what stops a service may send it to every process.
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        request = self._lines.readline()
        if not request:
            return  # the worker is gone
        job = job_from_json(unpacked(request))
        reporter = RelayingReporter(job, self.send)
        threading.Thread(target=self._listen, args=[reporter], daemon=True).start()
        done = self._attempt(registry.get(job.job_name), job, reporter)
        if os.getpid() != self._pid:
            return  # the job forked and its copy came back here: it has nothing to tell
        self._tidy()
        reporter.hand_over()
        self.send({"done": attempt_as_json(done)})

    def _attempt(
        self, definition: JobDefinition[Any, Any], job: ClaimedJob, reporter: Reporter
    ) -> Attempt:
        started = time.monotonic()
        try:
            if definition.is_async:
                # In this thread, which is the one that signals interrupt.
                done = asyncio.run(attempt_async(definition, job, reporter))
            else:
                done = attempt(definition, job, reporter)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        except (Cancel, JobTimeout) as raised:
            # SIGTERM came when the job had just ended, or in the event loop between two jobs.
            return failed(definition, job, raised, started)
        return done

    def send(self, message: Message) -> None:
        """Tell the worker; safe in any thread."""
        line = packed(message)
        with self._sending:
            self._wire.sendall(line)

    def _listen(self, reporter: RelayingReporter) -> None:
        for line in self._lines:
            message = unpacked(line)
            if "cancel" in message:
                reporter.request_cancel()
            elif "held" in message:
                reporter.held(message["held"])
            elif "end" in message:
                self._why_end = message["end"]
                # The job's own children too. Ours is heard when the interpreter has the time.
                os.killpg(self._pid, signal.SIGTERM)

    def _on_sigterm(self, number: int, _frame: FrameType | None) -> None:
        """Interrupt the job, also in a system call; the soft way could not.

        Process managers send SIGTERM to every process of a service when it shall stop. That is
        the supervisor's business, which lets running jobs finish: it is ignored here.
        """
        if os.getpid() != self._pid:
            signal.signal(number, signal.SIG_DFL)  # in a process that the job forked
            os.kill(os.getpid(), number)
        elif self._why_end == "cancel":
            raise Cancel("cancel requested")
        elif self._why_end is not None:
            raise JobTimeout

    def _tidy(self) -> None:
        """All that could take time, before the worker is told that the job has ended."""
        with suppress(Exception):
            connections.close_all()
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        logging.shutdown()
