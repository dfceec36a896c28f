"""Requests to cancel an ``async def`` job: its task is cancelled at its next ``await``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django_jobs.exceptions import Cancel

if TYPE_CHECKING:
    from django_jobs.reporting import Reporter


class TaskCancellation:
    """Of the task that makes it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._is_open = False
        self._has_cancelled = False

    @contextmanager
    def on_request(self, reporter: Reporter) -> Iterator[None]:
        """Cancel the task if the job is asked to stop before the block ends.

        A job may catch the ``CancelledError`` to tidy up, and even go on: it is not cancelled
        twice.

        Raises:
            Cancel: instead of the ``CancelledError`` that comes out of the block because of it.
        """
        self._is_open = True
        reporter.when_cancelled(self._request)
        try:
            yield
        except asyncio.CancelledError as error:
            if self._has_cancelled:
                raise Cancel("cancel requested") from error
            raise
        finally:
            self._is_open = False
            reporter.when_cancelled(None)
            if self._has_cancelled and self._task is not None:
                self._task.uncancel()  # it goes on: with the end of the job

    def _request(self) -> None:
        """Called in any thread."""
        with suppress(RuntimeError):  # the loop is closed: the job has ended
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._is_open and self._task is not None:
            self._has_cancelled = True
            self._task.cancel()
