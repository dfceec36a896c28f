"""SQLite: one process drains, one process enqueues: ``sqlite``.

Both durabilities of ``docs/sqlite.md``: the default, which syncs every commit to the disk, and
``synchronous=NORMAL``, which does so now and then.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.contestants import Contestant, bare_sqlite, ours
from benchmarks.draining import sized
from benchmarks.plan import Plan
from benchmarks.processes import Failed
from benchmarks.results import Sample
from benchmarks.stage import Stage

DURABILITIES: Final = {"": "FULL", "PRAGMA synchronous=NORMAL;": "NORMAL"}


class SqliteStage(Stage):
    """A stage with a file in the folder of the stage."""

    def __init__(self, contestant: Contestant, folder: Path) -> None:
        self.path = folder / "jobs.sqlite3"
        super().__init__(contestant, f"sqlite:///{self.path}", folder)

    def ask(self, question: str) -> Any:
        with closing(sqlite3.connect(self.path, timeout=20)) as connection:
            return connection.execute(question).fetchone()[0]

    def settle(self) -> None:
        with closing(sqlite3.connect(self.path, timeout=20)) as connection:
            connection.execute("ANALYZE")
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def servers(self) -> list[psutil.Process]:
        return []


@contextmanager
def stage_on_sqlite(contestant: Contestant) -> Iterator[SqliteStage]:
    """A stage with prepared tables."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        stage = SqliteStage(contestant, Path(folder))
        stage.call("prepare")
        yield stage


def benchmark(plan: Plan) -> None:
    """Drain and enqueue, ours and bare SQL, with both durabilities."""
    everybody = [
        one.variant(one.name, BENCH_PRAGMA=pragma, BENCH_PROCESSES="1")
        for pragma in (list(DURABILITIES)[:1] if plan.quick else DURABILITIES)
        for one in (bare_sqlite(), ours())
    ]
    for number, contestant in plan.rounds(everybody):
        durability = DURABILITIES[contestant.environment["BENCH_PRAGMA"]]
        for case, measure in (("drain", _drained), ("enqueue", _enqueued)):
            title = f"{case}, synchronous={durability}"
            series = plan.results.one("sqlite", title, contestant, "jobs/s")
            series.samples.append(
                plan.attempt(
                    f"sqlite {number + 1}: {contestant.name}, {title}",
                    partial(measure, plan, contestant),
                )
            )


def _drained(plan: Plan, contestant: Contestant) -> Sample:
    return sized(plan, contestant, stage_on_sqlite, most=15_000 if plan.quick else 100_000)


def _enqueued(plan: Plan, contestant: Contestant) -> Sample:
    with stage_on_sqlite(contestant) as stage:
        answer = stage.call("enqueue", "1000" if plan.quick else "5000")
    if not answer:
        raise Failed("enqueue gave no answer")
    return Sample(answer["count"] / answer["seconds"])
