"""One isolated job, seen from its thread in the worker process: starts it, listens, ends it."""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Final

from django_jobs.conf import config
from django_jobs.decision import decide_crash
from django_jobs.exceptions import JobTimeout
from django_jobs.execution import Attempt, failed
from django_jobs.outcome import Outcome
from django_jobs.runtime.wire import (
    MANY,
    Receiver,
    attempt_from_json,
    job_as_json,
    line_from_json,
    packed,
    report_as_json,
)

if TYPE_CHECKING:
    from socket import socket

    from django_jobs.runtime.inflight import Running
    from django_jobs.runtime.nursery import Cradle, Nursery
    from django_jobs.runtime.wire import Message

logger = logging.getLogger("django_jobs")

#: Seconds between two looks at whether the job was asked to stop.
LOOK: Final = 0.25
#: Seconds that a process may take to be gone after its last word, or after SIGKILL.
LAST_BREATH: Final = 5.0
#: Seconds in which a process must have taken its job.
TAKE: Final = 30.0


def attempt_isolated(nursery: Nursery | None, running: Running) -> Attempt:
    """Run a claimed job in a process of its own and wait for it; never raises."""
    if nursery is None or running.definition.name not in nursery.job_names:
        return _not_now("its process can't be started: it was not known when the worker started")
    try:
        cradle = nursery.bear()
    except OSError as error:
        return _not_now(f"its process could not be started: {error.strerror}")
    with cradle:
        try:
            return _Isolated(cradle, running).attempt()
        except Exception:
            logger.exception("The process of job %s could not be understood", running.job.id)
            return Attempt(decide_crash(running.job, "What the process told was unusable."), 0.0)


def _not_now(reason: str) -> Attempt:
    """The job is not to blame, and at once again it would be the same."""
    return Attempt(Outcome.snooze(config.BACKOFF_BASE, None, reason), 0.0)


class _Isolated:
    def __init__(self, cradle: Cradle, running: Running) -> None:
        self._cradle = cradle
        self._running = running
        self._job = running.job
        self._reporter = running.reporter
        self._received = Receiver(cradle.wire)
        self._done: Attempt | None = None
        self._status: str | None = None
        self._is_told = self._is_warned = False
        self._started = time.monotonic()
        # When it is ended by force, and why; nothing is certain to end a job without a limit.
        self._why = "timeout"
        self._end_at = self._gone_at = float("inf")
        if self._job.timeout is not None:
            self._end_at = self._started + self._job.timeout + config.KILL_GRACE

    def attempt(self) -> Attempt:
        self._hand_over()
        while self._status is None and time.monotonic() < self._gone_at:
            self._listen()
            if self._done is None:
                self._press(time.monotonic())
        return self._done or self._without_word()

    def _hand_over(self) -> None:
        self._cradle.wire.settimeout(TAKE)
        # If it fails the process is dead, or as good as dead: its end tells.
        try:
            self._cradle.wire.sendall(packed(job_as_json(self._job)))
        except OSError:
            self._cradle.kill()
        self._cradle.wire.setblocking(False)

    def _listen(self) -> None:
        wire, leash = self._cradle
        pause = max(min(LOOK, self._end_at - time.monotonic()), 0.0)
        watched = [leash] if self._received.is_at_end else [wire, leash]
        ready = wait(watched, pause)
        if leash in ready:
            self._status = _received_status(leash)
        # All that it said before its end.
        most = MANY if self._status is None else float("inf")
        for message in self._received.messages(most):
            self._hear(message)

    def _hear(self, message: Message) -> None:
        if "progress" in message:
            self._reporter.note(*message["progress"])
        elif "line" in message:
            self._reporter.keep(line_from_json(message["line"]))
        elif "hold" in message:
            self._reporter.hold_back()
            self._say({"held": report_as_json(self._reporter.last())})
        elif "done" in message:
            self._done = attempt_from_json(message["done"])
            # Its slot is free when it is gone; what hangs in its end is not waited for.
            self._gone_at = time.monotonic() + LAST_BREATH

    def _press(self, now: float) -> None:
        """Ask it to stop, ask it firmly, end it."""
        if self._reporter.cancelled and not self._is_told:
            self._is_told = True
            self._say({"cancel": True})
            if now + config.KILL_GRACE < self._end_at:
                self._why, self._end_at = "cancel", now + config.KILL_GRACE
        if now >= self._end_at - config.KILL_GRACE / 2 and not self._is_warned:
            self._is_warned = True
            self._say({"end": self._why})
        if now >= self._end_at and self._gone_at == float("inf"):
            self._cradle.kill()
            self._gone_at = now + LAST_BREATH

    def _say(self, message: Message) -> None:
        self._cradle.wire.settimeout(LAST_BREATH)
        with suppress(OSError):  # it is gone, or does not listen
            self._cradle.wire.sendall(packed(message))
        self._cradle.wire.setblocking(False)

    def _without_word(self) -> Attempt:
        """What became of a job whose process is gone and has not told."""
        duration = time.monotonic() - self._started
        if self._status is not None and self._status.startswith("none"):
            return _not_now(f"its process could not be started: {self._status[5:]}")
        if not self._is_warned:
            return Attempt(decide_crash(self._job, _describe_end(self._status)), duration)
        if self._why == "cancel":
            return Attempt(Outcome.cancel("cancel requested; its process was killed"), duration)
        limit = self._job.timeout or 0.0
        raised = JobTimeout(
            f"The job ran longer than its timeout of {limit:g} seconds, and on for "
            f"{config.KILL_GRACE:g} more: its process was killed."
        )
        return failed(self._running.definition, self._job, raised, self._started)


def _received_status(leash: socket) -> str:
    """The status that the nursery tells; an empty text if that has died."""
    try:
        return leash.recv(200).decode()
    except OSError:
        return ""


def _describe_end(status: str | None) -> str:
    if not status:
        return "The process of the job is gone, and the one that had started it."
    code = os.waitstatus_to_exitcode(int(status))
    if code >= 0:
        return f"The process of the job exited with {code} before the job had ended."
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"The process of the job was ended by {name}."
