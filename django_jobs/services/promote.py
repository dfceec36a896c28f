"""Move delayed jobs whose time has come to pending; end waiting ones that came too late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django_jobs.stores import active_store

#: Rows per transaction.
BATCH: Final = 1000


def promote_due() -> int:
    """Promote until none is due; return how many."""
    return _until_short(active_store().promote)


def expire_late() -> int:
    """Expire until none is late; return how many."""
    return _until_short(active_store().expire)


def _until_short(verb: Callable[[int], int]) -> int:
    total = 0
    while True:
        moved = verb(BATCH)
        total += moved
        if moved < BATCH:
            return total
