"""A few shared bytes in which a worker process shows its parent that it is alive, and with what."""

from __future__ import annotations

import time
from multiprocessing import get_context
from typing import Any, Final
from uuid import UUID

_ID: Final = 16
_NOTHING: Final = bytes(_ID)
_NO_LIMIT: Final = 0.0


class Pulse:
    """Written by the child without locks, read by the parent: a late value does no harm.

    All times are those of the monotonic clock, which is the same for all processes.

    Args:
        slots: how many bodies may run at a time.
    """

    def __init__(self, slots: int) -> None:
        shared = get_context("fork")
        self._beat_at: Any = shared.RawValue("d", time.monotonic())
        self._ids: Any = shared.RawArray("c", slots * _ID)
        self._limits: Any = shared.RawArray("d", slots)
        self._farewell: Any = shared.RawValue("b", 0)
        self._slots = slots

    def beat(self) -> None:
        """The main loop came round."""
        self._beat_at.value = time.monotonic()

    def age(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - float(self._beat_at.value)

    def say_goodbye(self) -> None:
        """The process ends because it wants to."""
        self._farewell.value = 1

    @property
    def has_said_goodbye(self) -> bool:
        """Whether it has: an exit code alone may come from anywhere, a job's ``os._exit()`` too."""
        return bool(self._farewell.value)

    def enter(self, slot: int, job_id: UUID) -> None:
        """The body of a job begins: should the process die now, this job may be why."""
        self._ids[slot * _ID : (slot + 1) * _ID] = job_id.bytes

    def limit(self, slot: int, at: float) -> None:
        """The body that has begun here must have ended at this time, or the process goes."""
        self._limits[slot] = at

    def lift_limit(self, slot: int) -> None:
        """The body that had a limit has ended. To be called before ``leave()``.

        What is read below as overdue must not be the id of the next job.
        """
        self._limits[slot] = _NO_LIMIT

    def leave(self, slot: int) -> None:
        """The body has ended."""
        self._ids[slot * _ID : (slot + 1) * _ID] = _NOTHING

    def running(self) -> set[UUID]:
        """The jobs whose bodies run, also those that ran when the process died."""
        raw = self._ids.raw
        ids = (raw[at : at + _ID] for at in range(0, self._slots * _ID, _ID))
        return {UUID(bytes=one) for one in ids if one != _NOTHING}

    def overdue(self) -> set[UUID]:
        """The jobs whose bodies should have ended by now."""
        now = time.monotonic()
        return {
            job_id
            for slot, limit in enumerate(list(self._limits))
            if limit != _NO_LIMIT and limit < now
            if (job_id := self._still_limited(slot, limit)) is not None
        }

    def _still_limited(self, slot: int, limit: float) -> UUID | None:
        """The job of this limit, unless it ends just now and another one begins in its slot."""
        one = self._ids[slot * _ID : (slot + 1) * _ID]
        if one == _NOTHING or self._limits[slot] != limit:
            return None
        return UUID(bytes=one)
