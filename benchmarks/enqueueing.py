"""How fast jobs come in: ``enqueue``, one by one, and ``bulk``, a thousand at a time."""

from __future__ import annotations

from benchmarks.contestants import Contestant, bare, ours
from benchmarks.plan import Plan, Unsupported
from benchmarks.processes import Failed
from benchmarks.results import Sample


def benchmark_single(plan: Plan) -> None:
    """One job per transaction."""
    _benchmark(plan, "enqueue", [bare(), ours()])


def benchmark_bulk(plan: Plan) -> None:
    """A thousand jobs per transaction."""
    ways = [
        bare().variant("bare SQL, unnest", BENCH_BULK="unnest"),
        bare().variant("bare SQL, COPY", BENCH_BULK="copy"),
        ours(),
    ]
    _benchmark(plan, "bulk", ways)


def _benchmark(plan: Plan, command: str, everybody: list[Contestant]) -> None:
    without: set[str] = set()
    sizes: dict[str, int] = {}
    for number, contestant in plan.rounds(everybody + plan.peers):
        if contestant.name in without:
            continue

        def measure(contestant: Contestant = contestant) -> Sample:
            return _sized(plan, contestant, command, sizes)

        try:
            sample = plan.attempt(f"{command} {number + 1}: {contestant.name}", measure)
        except Unsupported:
            without.add(contestant.name)
            continue
        series = plan.results.one(command, command, contestant, "jobs/s")
        series.samples.append(sample)


def _sized(plan: Plan, contestant: Contestant, command: str, sizes: dict[str, int]) -> Sample:
    """Enqueue as many as take about the wanted time; found out in the first run."""
    least = 1000 if command == "bulk" else 100
    for _ in range(3):
        jobs = sizes.setdefault(contestant.name, least * 3)
        with plan.arena.stage(contestant) as stage:
            stage.settle()
            answer = stage.call(command, str(jobs))
        if answer is None:
            raise Failed(f"{command} gave no answer")
        if answer.get("unsupported"):
            raise Unsupported
        seconds = answer["seconds"]
        rate: float = answer["count"] / seconds
        if plan.seconds / 3 <= seconds <= plan.seconds * 3:
            break
        wanted = min(rate * plan.seconds, 150_000, jobs * 20)
        sizes[contestant.name] = max(int(wanted) // least * least, least)
        if sizes[contestant.name] == jobs:
            break
    return Sample(rate)
