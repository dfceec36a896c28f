"""The slots of one queue in one process: which are free, and how long jobs take in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django_jobs.conf import config

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.runtime.pulse import Pulse

#: Weight of the latest job in the mean duration.
_WEIGHT: Final = 0.1


class Slots:
    """Numbers to be taken and given back. Only ``free`` needs its owner's lock.

    Args:
        first: number of the first slot in the process's pulse.
        count: how many there are.
        pulse: where running jobs are shown to the parent.
    """

    def __init__(self, first: int, count: int, pulse: Pulse) -> None:
        self.free = list(range(first, first + count))
        self.count = count
        self._pulse = pulse
        # Of each slot its own thread or loop writes; a reader may see a value a moment late.
        self._started: dict[int, float] = dict.fromkeys(self.free, 0.0)
        self._mean: float | None = None

    @property
    def busy(self) -> int:
        """How many are taken."""
        return self.count - len(self.free)

    def enter(self, slot: int, job_id: UUID, timeout: float | None) -> None:
        """The body of a job begins in this slot; ``timeout`` seconds are its soft limit."""
        now = time.monotonic()
        self._started[slot] = now
        self._pulse.enter(slot, job_id)
        if timeout is not None:
            self._pulse.limit(slot, now + timeout + config.KILL_GRACE)

    def leave(self, slot: int, duration: float, timeout: float | None) -> None:
        """The body that began with this ``timeout`` has ended after ``duration`` seconds."""
        if timeout is not None:
            self._pulse.lift_limit(slot)
        self._pulse.leave(slot)
        self._started[slot] = 0.0
        mean = duration if self._mean is None else self._mean
        self._mean = mean + _WEIGHT * (duration - mean)

    def expected_duration(self) -> float | None:
        """Seconds that a job takes; ``None`` before the first one ended.

        Jobs that are still running count with the time they have taken already.
        """
        if self._mean is None:
            return None
        oldest = min((at for at in self._started.values() if at), default=None)
        return self._mean if oldest is None else max(self._mean, time.monotonic() - oldest)
