"""A sleep that threads, signal handlers and file descriptors can end."""

from __future__ import annotations

import contextlib
import os
from multiprocessing.connection import wait
from typing import Any


class Wakeup:
    """A self-pipe. ``set()`` is one write: safe in signal handlers, where locks are not."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def set(self) -> None:
        """End the sleep, or the next one."""
        # A full pipe has woken the sleeper already; a closed one has no sleeper any more.
        with contextlib.suppress(OSError):
            os.write(self._writer, b"!")

    def wait(self, timeout: float | None, *others: Any) -> list[Any]:
        """Sleep until ``set()``, until one of ``others`` can be read, or for ``timeout`` seconds.

        Returns:
            Those of ``others`` that can be read.
        """
        ready = wait([self._reader, *others], timeout)
        self._drain()
        return [other for other in ready if other != self._reader]

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass
