"""Whether claims stay quick while a transaction is held open elsewhere: ``longtransaction``.

As long as it lasts, VACUUM must keep every version of every row, and a careless claim reads all.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import psycopg

from benchmarks import claim_records
from benchmarks.contestants import ours
from benchmarks.draining import GLANCE, START_LIMIT, wait_until
from benchmarks.plan import Plan
from benchmarks.processes import Failed
from benchmarks.results import Sample, Series, percentile

#: Jobs per second.
PACE = 200
FREE, HELD = "nothing held open", "a transaction held open"
#: Points of the curve.
SLICES = 10


def benchmark(plan: Plan) -> None:
    """The same pace of jobs without and with such a transaction."""
    seconds = 5.0 if plan.quick else plan.minutes * 60
    for hold, name in ((False, FREE), (True, HELD)):
        if plan.is_late:
            return
        taken: list[tuple[float, float]] = []

        def measure(hold: bool = hold, taken: list[tuple[float, float]] = taken) -> Sample:
            taken += _claim_times(plan, seconds, hold=hold)
            slowest = _p99(taken, 0.5, 1.0)
            if slowest is None:
                raise Failed("no claims were timed")
            return Sample(slowest)

        last = plan.attempt(f"longtransaction: {name}", measure)
        title = "claim p99 in the second half"
        _series(plan, f"{title}, {name}", base=f"{title}, {FREE}").samples.append(last)
        for number in range(SLICES if taken else 0):
            begin, end = number / SLICES, (number + 1) / SLICES
            case = f"claim p99 over time, {name}, {end:.0%}"
            point = _series(plan, case, x=seconds * end, listed=False)
            slowest = _p99(taken, begin, end)
            point.samples.append(None if slowest is None else Sample(slowest))


def _series(plan: Plan, case: str, **more: Any) -> Series:
    return plan.results.one("longtransaction", case, ours(), "ms", higher_is_better=False, **more)


def _p99(taken: list[tuple[float, float]], begin: float, end: float) -> float | None:
    """Of the claims between two shares of the time, in ms; ``None`` if there were none."""
    chosen = [duration * 1000 for share, duration in taken if begin <= share <= end]
    return percentile(chosen, 99) if chosen else None


def _claim_times(plan: Plan, seconds: float, *, hold: bool) -> list[tuple[float, float]]:
    """When each claim that got jobs began, as a share of the time, and its seconds."""
    with plan.arena.stage(ours()) as stage, ExitStack() as stack:
        path = stage.folder / "claims"
        stage.environment["BENCH_CLAIMS"] = str(path)
        stage.environment["DJANGO_JOBS_STORE"] = "benchmarks.timed_store.TimedStore"
        trees = stack.enter_context(stage.workers())
        stage.seed(1)
        wait_until(lambda: stage.executed() > 0, trees, START_LIMIT, GLANCE)
        if hold:
            stack.enter_context(_held_open(stage.dsn))
        answer = stage.call("paced", str(int(seconds)), str(PACE), timeout=seconds + 60)
        jobs = answer["count"]
        wait_until(lambda: stage.executed() > jobs, trees, START_LIMIT, GLANCE)
        times = [(moment, taken) for moment, taken, got in claim_records.read(path) if got]
    begin = times[0][0]
    length = max(times[-1][0] - begin, 1e-6)
    return [((moment - begin) / length, taken) for moment, taken in times]


def _held_open(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection whose transaction has a snapshot, until it is closed."""
    connection = psycopg.connect(dsn)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.execute("SELECT count(*) FROM django_jobs_job")
    return connection
