"""How a running job's progress and log lines get out: collected here, written by their owner."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from django_jobs.conf import config
from django_jobs.redaction import Redactor, redactor_of
from django_jobs.stores.records import LogLine, Report
from django_jobs.validation import clean_json, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from django_jobs.stores.records import ClaimedJob

MESSAGE_LIMIT: Final = 500
LINE_LIMIT: Final = 10_000
#: Seconds to wait for a report that is being written.
LAST_REPORT: Final = 2.0


class Reporter:
    """Collects what one attempt reports until somebody takes it away.

    The job's thread adds, another thread takes; nothing is written in the job's own
    transaction, so that others see the progress while the job runs.
    """

    def __init__(self, job: ClaimedJob) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._percent: int | None = None
        self._message = ""
        self._news = False
        self._lines: list[LogLine] = []
        self._line_count = 0
        self._cancelled = False
        self._is_held_back = False
        self._is_on_its_way = False
        self._redactor: Redactor | None = None
        self._on_cancel: Callable[[], None] | None = None

    # What runs foreign code, a value's own __repr__ for one, runs before the lock is taken.

    def progress(self, percent: float, message: str | None) -> None:
        """Note the progress; any number is clamped to 0–100, any text is made storable."""
        text = None if message is None else clean_text(message, MESSAGE_LIMIT, self._hide())
        self.note(_clamped(percent), text)

    def note(self, percent: int, message: str | None) -> None:
        """Note progress that was made storable."""
        with self._lock:
            self._percent = percent
            self._message = self._message if message is None else message
            self._news = True

    def line(self, level: str, message: str, data: dict[str, Any]) -> None:
        """Keep a log line; the attempt keeps ``LOG_MAX_LINES`` of them."""
        if self._line_count >= config.LOG_MAX_LINES:
            return
        hide = self._hide()
        self.keep(
            LogLine(
                attempt=self._job.attempt,
                at=timezone.now(),
                level=level,
                message=clean_text(message, LINE_LIMIT, hide),
                data=clean_json(data, hide),
            )
        )

    def keep(self, line: LogLine) -> None:
        """Keep a line that was made storable."""
        with self._lock:
            self._line_count += 1
            self._lines.append(line)

    def request_cancel(self) -> None:
        """Let the job see that it was asked to stop; asking again changes nothing."""
        with self._lock:
            is_first, self._cancelled = not self._cancelled, True
            react = self._on_cancel
        if is_first and react is not None:
            react()

    def when_cancelled(self, react: Callable[[], None] | None) -> None:
        """Call ``react``, in any thread, when the job is asked to stop; at once if it was."""
        with self._lock:
            self._on_cancel = react
            is_late = self._cancelled
        if is_late and react is not None:
            react()

    @property
    def cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._cancelled

    def take(self) -> Report | None:
        """What is new since the last call, or ``None``."""
        if not self._news and not self._lines:
            return None  # what is added at this moment is seen by the next call
        with self._lock:
            if self._is_held_back:
                return None
            report = self._report(self._percent if self._news else None)
            self._news = False
            self._is_on_its_way = True
            return report

    def arrived(self) -> None:
        """What was taken is written."""
        self._is_on_its_way = False

    def last(self) -> Report | None:
        """The final state, for the finish: the last progress always lands.

        What is held back can be asked for again, should a transaction have failed.
        """
        if self._percent is None and not self._lines:
            return None  # the job has ended and adds nothing: no lock is needed to see that
        with self._lock:
            return self._report(self._percent)

    def put_back(self, report: Report) -> None:
        """Keep what could not be written for the next try."""
        with self._lock:
            self._lines[:0] = report.lines
            self._news = self._news or report.percent is not None
            self._is_on_its_way = False

    def hold_back(self) -> None:
        """Let nobody take anything any more, and wait until what was taken is written.

        For a job that writes its own end: a report that comes after that would be refused.
        """
        with self._lock:
            self._is_held_back = True
        given_up_at = time.monotonic() + LAST_REPORT
        while self._is_on_its_way and time.monotonic() < given_up_at:
            time.sleep(0.005)

    def _hide(self) -> Redactor:
        """Made with the first text: most jobs have none."""
        if self._redactor is None:
            self._redactor = redactor_of(self._job.job_name, self._job.params)
        return self._redactor

    def _report(self, percent: int | None) -> Report:
        lines = self._lines
        if not self._is_held_back:
            self._lines = []
        return Report(self._job.id, self._job.lease, percent, self._message, lines)


def _clamped(percent: Any) -> int:
    try:
        return round(min(max(float(percent), 0.0), 100.0))
    except (TypeError, ValueError, OverflowError):
        return 0
