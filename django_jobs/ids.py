"""Job ids: UUIDv7 (RFC 9562), in the order of time, strictly growing within a process."""

from __future__ import annotations

import os
import secrets
import threading
import time
from array import array
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

#: The bits of an id that count: those after the time and the variant.
_COUNTER_BITS: Final = 62
_lock = threading.Lock()
_millisecond = 0
_head = 0
_counter = 0


def uuid7() -> UUID:
    """Return a new UUIDv7, greater than every one this process returned before."""
    return uuid7_many(1)[0]


def uuid7_many(count: int) -> list[UUID]:
    """Return new UUIDv7s, each greater than the one before it.

    Ids made within one millisecond count upwards in random steps, so that
    ``ORDER BY id`` keeps the order of a bulk enqueue.
    """
    global _counter
    steps = array("I", os.urandom(4 * count))  # the system is asked once, not for each id
    ids: list[UUID] = []
    with _lock:
        now = time.time_ns() // 1_000_000
        if now > _millisecond:
            _start_millisecond(now)
        head, counter = _head, _counter
        for step in steps:
            counter += 1 + step
            if counter >> _COUNTER_BITS:
                _start_millisecond(_millisecond + 1)
                head, counter = _head, _counter
            ids.append(UUID(int=head | counter))
        _counter = counter
    return ids


def smallest_at(moment: datetime, shift: timedelta = timedelta(0)) -> UUID:
    """The smallest id that can be made in the millisecond ``shift`` after ``moment``."""
    milliseconds = int((moment.timestamp() + shift.total_seconds()) * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def _start_millisecond(millisecond: int) -> None:
    global _millisecond, _head, _counter
    _millisecond = millisecond
    _head = millisecond << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62
    _counter = secrets.randbits(_COUNTER_BITS - 1)


def _forget_last_id() -> None:
    """Without this, a forked child would count on from the same number as its parent.

    And wait for ever for a lock that another thread of its parent held.
    """
    global _millisecond, _lock
    _millisecond = 0
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget_last_id)
