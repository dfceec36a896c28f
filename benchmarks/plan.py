"""What a run of the suite is asked to do, and how it does each part without stopping at errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from benchmarks.arena import Arena
from benchmarks.contestants import Contestant
from benchmarks.processes import Failed
from benchmarks.results import Results, Sample

#: ``--quick`` starts nothing new after this many seconds, and stops what runs after these.
QUICK_LIMIT: Final = 150.0
QUICK_END: Final = 165


class Unsupported(Exception):
    """A contestant has no such way."""


@dataclass
class Plan:
    """Everything that a benchmark needs to know.

    Attributes:
        runs: rounds in which everybody takes part once.
        seconds: how long a drain shall last.
        minutes: how long a transaction is held open.
        memory_jobs: how many jobs a process runs before it is weighed.
        drain_jobs: how many jobs a drain has, by contestant, once that is found out.
    """

    arena: Arena
    results: Results
    peers: list[Contestant]
    runs: int
    quick: bool
    minutes: float = 1.0
    memory_jobs: int = 1_000_000
    drain_jobs: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long a drain shall last."""
        return 1.0 if self.quick else 3.0

    @property
    def is_late(self) -> bool:
        """Whether a quick run without peers has no time for more."""
        hurried = self.quick and not self.peers
        return hurried and time.monotonic() - self.arena.began > QUICK_LIMIT

    def rounds(self, contestants: list[Contestant]) -> Iterable[tuple[int, Contestant]]:
        """Everybody by turns, each round begun by another one."""
        for number in range(self.runs):
            shift = number % len(contestants) if contestants else 0
            for contestant in contestants[shift:] + contestants[:shift]:
                if not self.is_late:
                    yield number, contestant

    def attempt(self, what: str, measure: Callable[[], Sample]) -> Sample | None:
        """Measure; a failure is told and remembered, and the others go on."""
        began = time.monotonic()
        try:
            sample = measure()
        except Unsupported:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others shall be measured
            self.fail(what, error)
            return None
        tell(f"{what}: {sample.value:,.4g}  ({time.monotonic() - began:.0f} s)")
        return sample

    def fail(self, what: str, error: Exception) -> None:
        """Remember that something could not be measured."""
        text = str(error) if isinstance(error, Failed) else repr(error)
        self.results.failures.append(f"{what}: {text}")
        tell(f"{what}: {text}")


def tell(text: str) -> None:
    """Say how it goes, beside the table that goes to the standard output."""
    print(text, file=sys.stderr, flush=True)
