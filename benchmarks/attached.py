"""What it costs to have many worker processes attached: ``workers``."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks.arena import PostgresStage
from benchmarks.contestants import Contestant, ours
from benchmarks.draining import drain, sized, wait_until, watch
from benchmarks.plan import Plan, tell
from benchmarks.processes import ProcessTree, cpu_seconds
from benchmarks.results import Sample
from benchmarks.slots import MANY_SLOTS

#: Worker processes of one supervisor.
PER_SUPERVISOR: Final = 16
#: Seconds that all may take to start.
START_LIMIT: Final = 120.0
ATTACHED: Final = "SELECT count(*) FROM django_jobs_workerprocess"

BESIDE: Final = "drain by 2 processes"

TRANSACTIONS: Final = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""
#: A statement in the server's log, but not the borders of a transaction.
STATEMENT: Final = re.compile(
    rb"LOG:  (?:statement|execute [^:]*): (?!\s*(?:BEGIN|COMMIT|ROLLBACK))\s*([^\n]{0,70})"
)


def benchmark(plan: Plan) -> None:
    """Drain and idle with 2 to 64 processes."""
    counts = [2, 8] if plan.quick else [2, 4, 8, 16, 32, 64]
    jobs = sized(plan, ours()).jobs
    for number in range(plan.runs):
        for count in counts:
            if plan.is_late:
                break
            title = f"drain, {count} processes"
            series = plan.results.one(
                "workers", title, ours(), "jobs/s", x=float(count), base="drain, 2 processes"
            )
            measure = partial(_drain, plan, count, jobs)
            series.samples.append(plan.attempt(f"workers {number + 1}: {title}", measure))
        _beside(plan, number, counts[-1] - 2, jobs)
    for _ in range(min(plan.runs, 3)):
        _idle(plan, counts[-1])


def _drain(plan: Plan, count: int, jobs: int) -> Sample:
    """Jobs that are let loose on processes that had nothing to do."""
    with plan.arena.stage(_crew(count)) as stage, _attached(stage, count) as trees:
        stage.call("pause")
        stage.seed(jobs)
        stage.settle()
        stage.call("resume")
        return watch(stage, trees, jobs)


def _beside(plan: Plan, number: int, others: int, jobs: int) -> None:
    """Two processes drain while others wait for jobs in another queue."""
    title = f"{BESIDE}, {others} more on another queue"
    series = plan.results.one("workers", title, ours(), "jobs/s", base="drain, 2 processes")

    def measure() -> Sample:
        crew = ours().variant(ours().name, BENCH_QUEUE="other", BENCH_PROCESSES=str(others))
        with plan.arena.stage(crew) as stage, _attached(stage, others):
            stage.environment |= {"BENCH_QUEUE": "bench", "BENCH_PROCESSES": "2"}
            return drain(stage, jobs)

    series.samples.append(plan.attempt(f"workers {number + 1}: {title}", measure))


def _idle(plan: Plan, count: int) -> None:
    """What an idle process asks of the database, and of the processor."""
    cases = {
        "idle: statements per process and second": "1/s",
        "idle: transactions per process and second": "1/s",
        "idle: CPU per process": "%",
        "idle: CPU of the server per process": "%",
    }
    measured: list[tuple[float, ...]] = []

    def measure() -> Sample:
        measured.append(_costs(plan, count))
        return Sample(measured[0][0])

    plan.attempt(f"workers: {count} idle processes", measure)
    for index, (case, unit) in enumerate(cases.items()):
        series = plan.results.one("workers", case, ours(), unit, higher_is_better=False)
        series.samples.append(Sample(measured[0][index]) if measured else None)


def _costs(plan: Plan, count: int) -> tuple[float, ...]:
    """Statements and transactions per second, CPU of the processes and of the server in %."""
    seconds = 5.0 if plan.quick else 30.0
    with plan.arena.stage(_crew(count)) as stage:
        stage.execute(f"ALTER DATABASE {stage.database} SET log_statement = 'all'")
        with _attached(stage, count) as trees:
            time.sleep(3)  # what processes do at their start is not meant
            first = _look(plan, stage, trees)
            time.sleep(seconds)  # the time that is measured
            last = _look(plan, stage, trees)
        _tell_statements(plan, int(first[0]), int(last[0]), seconds * count)
    factors = (1.0, 1.0, 100.0, 100.0)
    return tuple(
        (after - before) / seconds / count * factor
        for before, after, factor in zip(first, last, factors, strict=True)
    )


def _tell_statements(plan: Plan, first: int, last: int, divisor: float) -> None:
    """Which statements idle processes send most, per process and second."""
    sent = STATEMENT.findall(plan.arena.postgres.log.read_bytes())[first:last]
    for statement, times in Counter(sent).most_common(5):
        tell(f"  {times / divisor:.2f}/s  {statement.decode(errors='replace')}")


def _look(
    plan: Plan, stage: PostgresStage, trees: Sequence[ProcessTree]
) -> tuple[float, float, float, float]:
    return (
        len(STATEMENT.findall(plan.arena.postgres.log.read_bytes())),
        float(stage.ask(TRANSACTIONS)),
        sum(cpu_seconds(tree.members()) for tree in trees),
        cpu_seconds(stage.servers()),
    )


def _crew(count: int) -> Contestant:
    processes = str(min(count, PER_SUPERVISOR))
    return replace(ours().variant(ours().name, BENCH_PROCESSES=processes), slots=MANY_SLOTS)


@contextmanager
def _attached(stage: PostgresStage, count: int) -> Iterator[list[ProcessTree]]:
    """``count`` worker processes that are ready."""
    with stage.workers(-(-count // PER_SUPERVISOR)) as trees:
        wait_until(lambda: stage.ask(ATTACHED) >= count, trees, START_LIMIT, 0.2)
        yield trees
