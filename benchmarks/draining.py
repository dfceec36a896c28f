"""How fast waiting jobs are worked off: ``drain``."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from benchmarks.contestants import Contestant, bare, ours
from benchmarks.plan import Plan
from benchmarks.processes import Failed, ProcessTree, cpu_seconds, peak_memory
from benchmarks.results import Sample
from benchmarks.stage import Stage

#: Seconds between two looks at the counters, and at the database when all jobs have run.
GLANCE: Final = 0.004
LOOK: Final = 0.02
#: Seconds within which workers must start, and within which a drain must end.
START_LIMIT: Final = 60.0
LIMIT: Final = 90.0
#: The share of the jobs that warms up.
WARM_UP: Final = 0.05


def benchmark(plan: Plan) -> None:
    """Drain with everybody who can."""
    everybody = contestants() + plan.peers
    for number, contestant in plan.rounds(everybody):
        series = plan.results.one("drain", "drain", contestant, "jobs/s")
        series.samples.append(
            plan.attempt(
                f"drain {number + 1}: {contestant.name}",
                partial(sized, plan, contestant),
            )
        )


def contestants() -> list[Contestant]:
    """Bare SQL and ours, in the variants of the target table."""
    off = {"DJANGO_JOBS_TRACKING_PERSIST_TRANSITIONS": "False"}
    return [
        bare().variant("bare SQL, 100 at a time", BENCH_BATCH="100"),
        bare().variant("bare SQL, 1,000 at a time", BENCH_BATCH="1000"),
        ours().variant("django_jobs, sync"),
        ours().variant("django_jobs, async", BENCH_JOB="async_noop"),
        ours().variant("django_jobs, snapshots only", **off),
    ]


OpenStage = Callable[[Contestant], AbstractContextManager[Stage]]


def sized(
    plan: Plan,
    contestant: Contestant,
    open_stage: OpenStage | None = None,
    most: int = 1_000_000,
) -> Sample:
    """A drain of as many jobs as take about the wanted time; found out in the first one."""
    opened = open_stage or plan.arena.stage
    guess = contestant.drain_jobs // 2 if plan.quick else contestant.drain_jobs
    key = f"{contestant.name} {sorted(contestant.environment.items())}"
    for _ in range(3):
        jobs = plan.drain_jobs.setdefault(key, min(guess, most))
        with opened(contestant) as stage:
            sample = drain(stage, jobs)
        seconds = jobs / sample.value
        if plan.seconds / 2 <= seconds <= plan.seconds * 4 or jobs == most:
            break
        # Not too far at once: the rate of a short run says little.
        wanted = int(min(sample.value * plan.seconds, jobs * 20, most))
        plan.drain_jobs[key] = max(wanted, 200)
    return sample


def drain(stage: Stage, jobs: int, *, until_finished: bool = True) -> Sample:
    """Enqueue jobs, start the workers, and see how fast they go once they do."""
    stage.seed(jobs)
    stage.settle()
    with stage.workers() as trees:
        return watch(stage, trees, jobs, until_finished=until_finished)


def watch(
    stage: Stage, trees: Sequence[ProcessTree], jobs: int, *, until_finished: bool = True
) -> Sample:
    """The rate from the moment 5 % have run until all are written down as finished.

    ``until_finished``: if not, until all have run, for there is more to do than ``jobs``.
    """
    first = math.ceil(jobs * WARM_UP)
    wait_until(lambda: stage.executed() >= first, trees, START_LIMIT, GLANCE)
    began, before = time.perf_counter(), stage.executed()
    cpu, server_cpu = _cpu(trees), cpu_seconds(stage.servers())
    try:
        wait_until(lambda: stage.executed() >= jobs, trees, LIMIT, GLANCE)
        if until_finished:
            wait_until(lambda: stage.remaining() == 0, trees, LIMIT, LOOK)
    except Failed as error:
        ran, left = stage.executed(), stage.remaining()
        raise Failed(f"{error}: {ran} of {jobs} jobs have run, {left} are not finished") from None
    seconds, done = time.perf_counter() - began, jobs - before
    if done <= 0:
        raise Failed(f"{jobs} jobs are too few to be measured")
    return Sample(
        value=done / seconds,
        cpu=(_cpu(trees) - cpu) / done * 1000,
        server_cpu=(cpu_seconds(stage.servers()) - server_cpu) / done * 1000,
        memory=sum(peak_memory(tree.members()) for tree in trees),
        jobs=jobs,
    )


def wait_until(
    is_so: Callable[[], bool], trees: Sequence[ProcessTree], limit: float, pause: float
) -> None:
    """Look again and again; no longer than ``limit`` seconds, nor when a process has died."""
    deadline = time.monotonic() + limit
    next_check = 0.0
    while not is_so():
        now = time.monotonic()
        if now > deadline:
            raise Failed(f"not done within {limit:.0f} s")
        if now > next_check:
            next_check = now + 1
            for tree in trees:
                tree.check()
        time.sleep(pause)  # the counters are shared memory: nothing would wake us


def _cpu(trees: Sequence[ProcessTree]) -> float:
    return sum(cpu_seconds(tree.members()) for tree in trees)
