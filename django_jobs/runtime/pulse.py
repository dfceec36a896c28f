"""A few shared bytes in which a worker process shows its parent that it is alive."""

from __future__ import annotations

import time
from multiprocessing import get_context
from typing import Any


class Pulse:
    """Written by the child without locks, read by the parent: a late value does no harm."""

    def __init__(self) -> None:
        self._beat_at: Any = get_context("fork").RawValue("d", time.monotonic())
        self._running: Any = get_context("fork").RawValue("i", 0)

    def beat(self, running: int) -> None:
        """The main loop came round; ``running`` bodies are at work."""
        self._running.value = running
        self._beat_at.value = time.monotonic()

    @property
    def running(self) -> int:
        """Bodies at work at the last beat."""
        return int(self._running.value)

    def age(self) -> float:
        """Seconds since the last beat; the monotonic clock is the same for all processes."""
        return time.monotonic() - float(self._beat_at.value)
