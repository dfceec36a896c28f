"""Job ids: UUIDv7 (RFC 9562), in the order of time, strictly growing within a process."""

from __future__ import annotations

import os
import secrets
import threading
import time
from typing import Final
from uuid import UUID

_TAIL_BITS: Final = 74
_lock = threading.Lock()
_last_millisecond = 0
_last_tail = 0


def uuid7() -> UUID:
    """Return a new UUIDv7, greater than every one this process returned before.

    Ids made within one millisecond count upwards in random steps, so that
    ``ORDER BY id`` keeps the order of a bulk enqueue.
    """
    global _last_millisecond, _last_tail
    with _lock:
        millisecond = time.time_ns() // 1_000_000
        if millisecond > _last_millisecond:
            _last_millisecond = millisecond
            _last_tail = secrets.randbits(_TAIL_BITS - 1)
        else:
            _last_tail += 1 + secrets.randbits(32)
            if _last_tail >> _TAIL_BITS:
                _last_millisecond += 1
                _last_tail = secrets.randbits(_TAIL_BITS - 1)
        return _assemble(_last_millisecond, _last_tail)


def _assemble(millisecond: int, tail: int) -> UUID:
    high, low = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=millisecond << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def _forget_last_id() -> None:
    """Without this, a forked child would count on from the same tail as its parent."""
    global _last_millisecond, _last_tail
    _last_millisecond, _last_tail = 0, 0


os.register_at_fork(after_in_child=_forget_last_id)
