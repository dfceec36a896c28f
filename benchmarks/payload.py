"""What the size of the arguments costs: ``payload``."""

from __future__ import annotations

from functools import partial

from benchmarks.contestants import ours
from benchmarks.draining import sized
from benchmarks.plan import Plan

SIZES = {100: "100 B", 1_000: "1 kB", 10_000: "10 kB", 100_000: "100 kB"}

#: All arguments of one drain together, in bytes.
MOST = 400_000_000


def benchmark(plan: Plan) -> None:
    """Drain jobs with a text of each size."""
    for number in range(plan.runs):
        for size, title in SIZES.items():
            if plan.is_late:
                return
            if plan.quick and size in (1_000, 100_000):
                continue
            contestant = ours().variant(ours().name, BENCH_JOB="carry", BENCH_PAYLOAD=str(size))
            series = plan.results.one("payload", title, contestant, "jobs/s", x=float(size))
            most = (MOST // 10 if plan.quick else MOST) // size
            series.samples.append(
                plan.attempt(
                    f"payload {number + 1}: {title}", partial(sized, plan, contestant, most=most)
                )
            )
