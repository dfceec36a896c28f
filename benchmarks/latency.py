"""How soon a job starts when the queue is idle: ``latency``."""

from __future__ import annotations

from typing import Any

from benchmarks.contestants import Contestant, Role, ours
from benchmarks.draining import GLANCE, START_LIMIT, wait_until
from benchmarks.plan import Plan
from benchmarks.processes import Failed
from benchmarks.results import Sample, percentile

PERCENTILES = (50, 95, 99)


def benchmark(plan: Plan) -> None:
    """With everybody who can; ours with and without NOTIFY."""
    silent = ours().variant(
        "django_jobs, NOTIFY off", DJANGO_JOBS_NOTIFY="False", BENCH_PAUSES="0.05:1.05"
    )
    everybody = [ours(), silent, *plan.peers]
    for number, contestant in plan.rounds(everybody):
        _measure(plan, number, contestant)


def _measure(plan: Plan, number: int, contestant: Contestant) -> None:
    answers: list[dict[str, Any]] = []

    def measure() -> Sample:
        answers.append(pick_up_times(plan, contestant))
        return Sample(percentile(answers[0]["ms"], 50))

    plan.attempt(f"latency {number + 1}: {contestant.name}", measure)
    for key, since in (("ms", "call"), ("after_commit_ms", "commit")):
        if since == "commit" and contestant.role != Role.OURS:
            continue
        for percent in PERCENTILES:
            case = f"p{percent} since the {since}"
            series = plan.results.one("latency", case, contestant, "ms", higher_is_better=False)
            series.samples.append(Sample(percentile(answers[0][key], percent)) if answers else None)


def pick_up_times(plan: Plan, contestant: Contestant) -> dict[str, Any]:
    """Milliseconds between the call that enqueues and the first line of the job."""
    jobs = _jobs(plan, contestant)
    with plan.arena.stage(contestant) as stage:
        stage.settle()
        with stage.workers() as trees:
            stage.seed(1)
            wait_until(lambda: stage.executed() > 0, trees, START_LIMIT, GLANCE)
            answer: dict[str, Any] | None = stage.call("latency", str(jobs))
            for tree in trees:
                tree.check()
    if not answer or len(answer["ms"]) < jobs:
        raise Failed("not all jobs started")
    return answer


def _jobs(plan: Plan, contestant: Contestant) -> int:
    if "BENCH_PAUSES" in contestant.environment:
        return 8 if plan.quick else 60
    return 100 if plan.quick else 300
