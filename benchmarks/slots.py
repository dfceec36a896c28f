"""Files of 64-bit numbers, shared by the harness and the processes that it watches.

Jobs count themselves there, so that the harness sees them run without asking the database, and
note when they started.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
from functools import cache
from pathlib import Path
from typing import Final

#: What the contract with the adapters promises; ours has a slot for each thread and needs more.
SLOTS: Final = 64
THREAD_SLOTS: Final = 256
MANY_SLOTS: Final = 4096

WIDTH: Final = 8


def create(path: Path, slots: int) -> memoryview:
    """Make a file of zeros and return its numbers."""
    path.write_bytes(bytes(slots * WIDTH))
    return attach(path)


def attach(path: Path) -> memoryview:
    """The numbers of an existing file; writing to them writes to the file."""
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 0)).cast("q")


@cache
def executions() -> memoryview:
    """The counters of this benchmark's executions."""
    return attach(Path(os.environ["BENCH_COUNTER"]))


@cache
def starts() -> memoryview:
    """When the job with the index of the slot started, in nanoseconds since 1970."""
    return attach(Path(os.environ["BENCH_STARTED"]))


def count_execution() -> None:
    """Add one to the counter of the calling thread."""
    executions()[_own_slot().index] += 1


class _OwnSlot(threading.local):
    """A slot that no other thread of any process counts in: adding is no atomic operation."""

    def __init__(self) -> None:
        self.index = _next_number(Path(os.environ["BENCH_COUNTER"])) % len(executions())


_own_slot = cache(_OwnSlot)


def _next_number(counter: Path) -> int:
    """A number that nobody else has got."""
    with counter.with_suffix(".next").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        number = file.seek(0, os.SEEK_END)  # not where the end was before the lock
        file.write(".")
    return number
