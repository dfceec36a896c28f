"""What the adapters of all peers share: the commands, the counters, the clock, the database.

An adapter runs as ``python benchmarks/peers/<name>.py COMMAND``:

``prepare``     make the schema in the empty database ``BENCH_DSN``, empty ``BENCH_REDIS_URL``;
``enqueue N``   N no-op jobs one by one, each durable before the next; prints the seconds;
``bulk N``      N no-op jobs in chunks of 1000; prints the seconds, or that there is no such way;
``seed N``      N no-op jobs however is fastest;
``work SLOT``   one worker until SIGTERM; a no-op job adds 1 to a slot of ``BENCH_COUNTER``;
``latency N``   N jobs on the idle queue; each first stores the time in ``BENCH_STARTED``.

``enqueue``, ``bulk`` and ``latency`` first send one job with the argument ``WARM_UP``. A worker
runs it like any other, but it adds to no slot and stores no time.

Only the standard library is imported: this file runs in the environment of every peer.
"""

from __future__ import annotations

import argparse
import json
import mmap
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_UN, lockf
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

# An adapter is named after its package: `import celery` must find the package, not the adapter.
FOLDER: Final = str(Path(__file__).resolve().parent)
sys.path[:] = [entry for entry in sys.path if entry != FOLDER] + [FOLDER]

#: The names of the two jobs.
NOOP: Final = "noop"
STARTED: Final = "started"

WARM_UP: Final = -1
CHUNK: Final = 1000

#: How long ``latency`` waits for the last job to start, in seconds.
PATIENCE: Final = 30.0

Enqueue = Callable[[str, Iterable[int]], None]
Bulk = Callable[[Iterable[Sequence[int]]], None]


class Slots:
    """A file of little-endian 64-bit integers that several processes read and write."""

    def __init__(self, variable: str) -> None:
        with Path(os.environ[variable]).open("r+b") as file:
            self.descriptor = os.dup(file.fileno())
            self.numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")


class Counter:
    """Counts executed jobs in one slot: call it in the no-op job.

    ``forks``: the worker has child processes that count in the same slot. They lock the slot in
    the file, which costs some microseconds; threads of one process need no more than a lock.
    """

    def __init__(self) -> None:
        self.slot = 0
        self.forks = False
        self.lock = threading.Lock()
        self.slots: Slots | None = None

    def open(self, slot: int, *, forks: bool = False) -> None:
        """Count in ``slot`` from now on; before any child process starts."""
        self.slot, self.forks, self.slots = slot, forks, Slots("BENCH_COUNTER")

    def __call__(self, argument: int) -> None:
        assert self.slots is not None, "call open() first"
        if argument == WARM_UP:
            return
        with self.lock:
            if self.forks:
                lockf(self.slots.descriptor, LOCK_EX, 8, 8 * self.slot)
            self.slots.numbers[self.slot] += 1
            if self.forks:
                lockf(self.slots.descriptor, LOCK_UN, 8, 8 * self.slot)


class StartTimes:
    """Stores when each latency job started: call it first in the job."""

    def __init__(self) -> None:
        self.slots: Slots | None = None

    def __call__(self, argument: int) -> None:
        now = time.time_ns()
        if argument != WARM_UP:
            self.opened().numbers[argument] = now

    def opened(self) -> Slots:
        """The file, opened when it is first needed: a drain has none."""
        if self.slots is None:
            self.slots = Slots("BENCH_STARTED")
        return self.slots


count_job: Final = Counter()
store_start: Final = StartTimes()


@dataclass
class Stopwatch:
    """Hands out what is to be enqueued and takes the time meanwhile.

    The clock runs from the moment the peer asks for what follows the warm-up until it finds
    nothing left. So the peer's own loop is timed, be it a plain one or one of coroutines.
    """

    seconds: float = 0.0
    before: list[int] = field(default_factory=list)

    def around(self, warm_up: Any, items: Iterable[Any]) -> Iterator[Any]:
        """``warm_up``, then the items on the clock."""
        yield warm_up
        start = time.perf_counter()
        yield from items
        self.seconds = time.perf_counter() - start

    def with_pauses(self, count: int) -> Iterator[int]:
        """A warm-up, then the arguments 0, 1, … with a pause before each, noting when it was."""
        yield WARM_UP
        time.sleep(1)
        for argument in range(count):
            time.sleep(random.uniform(0.03, 0.05))
            self.before.append(time.time_ns())
            yield argument


def chunks(count: int, size: int = CHUNK) -> Iterator[range]:
    """The numbers below ``count``, ``size`` at a time."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


def django_database() -> dict[str, Any]:
    """``BENCH_DSN`` as an entry of Django's ``DATABASES``, its connection kept open."""
    url = urlsplit(os.environ["BENCH_DSN"])
    query = parse_qs(url.query)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.get("host", [url.hostname or ""])[0],
        "PORT": query.get("port", [str(url.port or "")])[0],
        "CONN_MAX_AGE": None,
    }


def report(result: dict[str, Any]) -> None:
    """Print one line of JSON."""
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Commands:
    """The commands of one peer, made from what its adapter can do.

    ``enqueue(job, arguments)`` sends one job per argument, each durable before the next argument
    is asked for. ``bulk(chunks)`` sends the no-op jobs of a chunk at once. ``seeders``: how many
    processes share the work of ``seed`` where there is no ``bulk``.
    """

    prepare: Callable[[], None]
    enqueue: Enqueue
    work: Callable[[int], None]
    bulk: Bulk | None = None
    seeders: int = 2

    def run(self) -> None:
        """Do what the command line says."""
        parser = argparse.ArgumentParser(description=__doc__)
        commands = ("prepare", "enqueue", "bulk", "seed", "work", "latency")
        parser.add_argument("command", choices=commands)
        parser.add_argument("number", type=int, nargs="?", default=0, help="jobs, or the slot")
        given = parser.parse_args()
        if given.command == "prepare":
            self.prepare()
        elif given.command == "work":
            self.work(given.number)
        else:
            report(getattr(self, f"_{given.command}")(given.number))

    def _enqueue(self, count: int) -> dict[str, Any]:
        stopwatch = Stopwatch()
        self.enqueue(NOOP, stopwatch.around(WARM_UP, range(count)))
        return {"seconds": stopwatch.seconds, "count": count}

    def _bulk(self, count: int) -> dict[str, Any]:
        if self.bulk is None:
            return {"unsupported": True}
        stopwatch = Stopwatch()
        self.bulk(stopwatch.around([WARM_UP], chunks(count)))
        return {"seconds": stopwatch.seconds, "count": count}

    def _seed(self, count: int) -> dict[str, Any]:
        start = time.perf_counter()
        if self.bulk is not None:
            self.bulk(chunks(count))
        else:
            self._seed_in_processes(count)
        return {"seconds": time.perf_counter() - start, "count": count}

    def _seed_in_processes(self, count: int) -> None:
        fork = multiprocessing.get_context("fork")
        shares = [range(first, count, self.seeders) for first in range(self.seeders)]
        processes = [fork.Process(target=self.enqueue, args=(NOOP, share)) for share in shares]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        if any(process.exitcode for process in processes):
            raise RuntimeError("A process that seeds the queue failed.")

    def _latency(self, count: int) -> dict[str, Any]:
        stopwatch = Stopwatch()
        self.enqueue(STARTED, stopwatch.with_pauses(count))
        times = store_start.opened().numbers[:count]
        deadline = time.monotonic() + PATIENCE
        while 0 in times and time.monotonic() < deadline:
            time.sleep(0.01)
        pairs = zip(stopwatch.before, times.tolist(), strict=True)
        return {"ms": [(start - before) / 1e6 for before, start in pairs if start]}
