"""What a worker process weighs: ``memory``."""

from __future__ import annotations

import sys
import time
from functools import partial

import psutil

from benchmarks.contestants import ours
from benchmarks.draining import wait_until
from benchmarks.plan import Plan
from benchmarks.processes import ProcessTree
from benchmarks.results import Sample
from benchmarks.stage import Stage

MEBIBYTE = 2**20

ABOVE = "worker process above the bare one"

ATTACHED = "SELECT count(*) FROM django_jobs_workerprocess"

#: The process that ours is compared with.
BARE = "import django, signal; django.setup(); print('ready', flush=True); signal.pause()"


def benchmark(plan: Plan) -> None:
    """Weigh a bare process and a worker, idle and after many jobs."""
    jobs = 10_000 if plan.quick else plan.memory_jobs
    found: list[dict[str, float]] = []
    for number in range(1 if plan.quick else min(plan.runs, 3)):

        def measure() -> Sample:
            found.append(_weigh(plan, jobs))
            return Sample(found[-1][ABOVE])

        plan.attempt(f"memory {number + 1}", measure)
    for weights in found:
        for case, value in weights.items():
            series = plan.results.one("memory", case, ours(), "MiB", higher_is_better=False)
            series.samples.append(Sample(value))


def _weigh(plan: Plan, jobs: int) -> dict[str, float]:
    """Sizes in MiB by what they are of."""
    # With the contributed apps that a site has, so that Django's models are there anyway.
    contestant = ours().variant(ours().name, BENCH_SITE="1", BENCH_PROCESSES="1")
    early_jobs = jobs // 10
    with plan.arena.stage(contestant) as stage:
        bare, bare_proportional = _bare(stage)
        with stage.workers() as (tree,):
            worker = worker_process(stage, tree)
            time.sleep(3)  # until all its threads have started
            idle = _resident(worker)
            together = sum(map(_proportional, tree.members()))
            early = _after(stage, tree, worker, early_jobs, early_jobs)
            late = _after(stage, tree, worker, jobs - early_jobs, jobs)
    return {
        "a bare django.setup() process": bare,
        "worker process, idle": idle,
        ABOVE: idle - bare,
        "supervisor and one worker process, each shared page once": together,
        "these above a bare one": together - bare_proportional,
        f"worker process after {early_jobs:,} jobs": early,
        f"worker process after {jobs:,} jobs": late,
        f"growth in the last {jobs - early_jobs:,} jobs": late - early,
    }


def _bare(stage: Stage) -> tuple[float, float]:
    """Its resident size, and the part of it that is its own.

    Pages that it shares with other processes, such as Python's own, count in proportion.
    """
    environment = {
        **stage.environment,
        "BENCH_BARE": "1",
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
    }
    tree = ProcessTree((sys.executable, "-c", BARE), environment)
    try:
        wait_until(lambda: "ready" in tree.output, [tree], 30, 0.05)
        process = psutil.Process(tree.pid)
        return _resident(process), _proportional(process)
    finally:
        tree.stop()


def worker_process(stage: Stage, tree: ProcessTree) -> psutil.Process:
    """The only worker process of a ``runjobs``, once it has said that it is there."""
    wait_until(lambda: stage.ask(ATTACHED) == 1, [tree], 60, 0.1)
    return psutil.Process(stage.ask("SELECT pid FROM django_jobs_workerprocess"))


def _has_executed(stage: Stage, jobs: int) -> bool:
    return stage.executed() >= jobs


def _after(stage: Stage, tree: ProcessTree, worker: psutil.Process, more: int, total: int) -> float:
    """Run more jobs, and weigh the process a moment later."""
    chunk = 100_000
    for start in range(0, more, chunk):
        stage.seed(min(chunk, more - start))
        done = total - more + min(start + chunk, more)
        wait_until(partial(_has_executed, stage, done), [tree], 600, 0.1)
    time.sleep(2)  # until the last outcomes are written and let go
    return _resident(worker)


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / MEBIBYTE


def _proportional(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss) / MEBIBYTE
