"""The reporter in the process of an isolated job: what is told there is written by the worker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django_jobs.reporting import Reporter
from django_jobs.runtime.wire import line_as_json, line_from_json

if TYPE_CHECKING:
    from django_jobs.runtime.wire import Message
    from django_jobs.stores.records import ClaimedJob, LogLine, Report

#: Seconds to wait for what the worker has not written.
LAST_REPORT: Final = 5.0


class RelayingReporter(Reporter):
    """Tells the worker at once: of a job that crashes, the last lines are the ones that count.

    Args:
        job: the attempt.
        send: tells the worker.
    """

    def __init__(self, job: ClaimedJob, send: Callable[[Message], None]) -> None:
        super().__init__(job)
        self._send = send
        self._unwritten: list[LogLine] = []
        self._has_answer = threading.Event()

    def note(self, percent: int, message: str | None) -> None:
        super().note(percent, message)
        if not self._is_held_back:
            self._send({"progress": [percent, message]})

    def keep(self, line: LogLine) -> None:
        if self._is_held_back:
            super().keep(line)
        else:
            self._line_count += 1
            self._send({"line": line_as_json(line)})

    def hold_back(self) -> None:
        """An ``atomic=True`` job writes its last report itself, also what the worker still has."""
        if self._is_held_back:
            return
        super().hold_back()
        self._send({"hold": True})
        self._has_answer.wait(LAST_REPORT)

    def held(self, rest: Message) -> None:
        """The worker's answer: what it has not written, and will not unless the job fails."""
        self._unwritten = [line_from_json(line) for line in rest["lines"]]
        self._has_answer.set()

    def last(self) -> Report | None:
        report = super().last()
        if report is None and self._unwritten:
            report = self._report(None)
        if report is not None:
            report.lines = [*self._unwritten, *report.lines]
        return report

    def hand_over(self) -> None:
        """Tell what was held back, for the case that the job did not write it."""
        if self._is_held_back:
            if self._percent is not None:
                self._send({"progress": [self._percent, self._message]})
            for line in self._lines:
                self._send({"line": line_as_json(line)})
