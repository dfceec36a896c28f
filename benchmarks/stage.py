"""Where a contestant performs: a fresh database, its counters, and its processes."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks import slots
from benchmarks.contestants import Contestant
from benchmarks.environments import CACHE
from benchmarks.processes import Failed, ProcessTree

#: Seconds that a command of an adapter may take.
PATIENCE: Final = 300.0


class Stage(ABC):
    """One contestant on one fresh database."""

    def __init__(self, contestant: Contestant, dsn: str, folder: Path, redis: str = "") -> None:
        self.contestant = contestant
        self.dsn = dsn
        self.folder = folder
        counter, started = folder / "counter", folder / "started"
        self.counts = slots.create(counter, contestant.slots)
        self.starts = slots.create(started, slots.MANY_SLOTS)
        self.environment = {
            "BENCH_DSN": dsn,
            "BENCH_COUNTER": str(counter),
            "BENCH_STARTED": str(started),
            "BENCH_CACHE": str(CACHE),
            "BENCH_REDIS_URL": redis,
            **contestant.environment,
        }

    @abstractmethod
    def ask(self, question: str) -> Any:
        """The first value of a query's answer."""

    @abstractmethod
    def settle(self) -> None:
        """Bring every database to the same state before it is measured."""

    @abstractmethod
    def servers(self) -> list[psutil.Process]:
        """The processes of the servers that the contestant uses."""

    def call(self, *arguments: str, timeout: float = PATIENCE) -> Any:
        """Run a command of the adapter and return what it answers in its last line."""
        command = (*self.contestant.command, *arguments)
        tree = ProcessTree(command, self.environment)
        try:
            lines = tree.wait(timeout).strip().splitlines()
        finally:
            tree.kill()
        try:
            return json.loads(lines[-1]) if lines else None
        except ValueError:
            return None  # prepare need not answer

    def seed(self, jobs: int) -> None:
        """Enqueue jobs that are to be drained."""
        if self.call("seed", str(jobs)) is None:
            raise Failed("seed gave no answer")

    @contextmanager
    def workers(self, count: int | None = None) -> Iterator[list[ProcessTree]]:
        """Worker processes for as long as the block."""
        trees: list[ProcessTree] = []
        try:
            for slot in range(self.contestant.processes if count is None else count):
                command = (*self.contestant.command, "work", str(slot))
                trees.append(ProcessTree(command, self.environment))
            yield trees
        finally:
            for tree in trees:
                tree.ask_to_stop()
            for tree in trees:
                tree.stop()

    def executed(self) -> int:
        """How many jobs have run."""
        return sum(self.counts)

    def remaining(self) -> int:
        """How many jobs have not been written down as finished; 0 where only Redis knows."""
        if self.contestant.remaining_sql is None:
            return 0
        return int(self.ask(self.contestant.remaining_sql))
