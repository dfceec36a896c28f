"""Whether a drain stays as fast when the tables have grown: ``growth``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from benchmarks.contestants import ours
from benchmarks.draining import drain, sized
from benchmarks.plan import Plan, tell
from benchmarks.results import Sample

EMPTY = "empty table"
#: Where it lies on the axis of the curve, which has no zero.
NO_ROWS = 1000.0


@dataclass(frozen=True)
class Crowd:
    """Rows that are there before the drain begins; ``x``: its place on the curve."""

    kind: str
    count: int
    x: float | None = None

    @property
    def title(self) -> str:
        """What the tables call it."""
        words = {
            "finished": "finished rows",
            "future": "future rows",
            "other": "due rows in another queue",
            "due": "due rows in this queue",
        }
        return f"{self.count:,} {words[self.kind]}"

    @property
    def template(self) -> str:
        """The database that holds it."""
        return f"grown_{self.kind}_{self.count}"


def crowds(*, quick: bool) -> list[Crowd]:
    """The cases; fewer and smaller ones if quick."""
    if quick:
        return [Crowd("finished", 20_000, 20_000.0), Crowd("future", 20_000), Crowd("due", 20_000)]
    return [
        *(Crowd("finished", count, float(count)) for count in (10_000, 100_000, 1_000_000)),
        Crowd("future", 500_000),
        Crowd("other", 100_000),
        Crowd("due", 1_000_000),
    ]


def benchmark(plan: Plan) -> None:
    """Drain the same number of jobs beside each crowd, by turns."""
    contestant = ours()
    jobs = sized(plan, contestant).jobs
    with ExitStack() as stack:
        prepared: list[tuple[str, float | None, str]] = [(EMPTY, NO_ROWS, "")]
        for crowd in crowds(quick=plan.quick):
            if not plan.is_late:
                _prepare(plan, crowd)
                stack.callback(plan.arena.forget, crowd.template)
                prepared.append((crowd.title, crowd.x, crowd.template))
        for number in range(plan.runs):
            for title, x, template in prepared:
                series = plan.results.one("growth", title, contestant, "jobs/s", base=EMPTY, x=x)
                series.samples.append(
                    plan.attempt(
                        f"growth {number + 1}: {title}", partial(_drain, plan, jobs, template)
                    )
                )


def _prepare(plan: Plan, crowd: Crowd) -> None:
    tell(f"growth: preparing {crowd.title}")
    with plan.arena.keep(ours(), crowd.template) as stage:
        stage.call("crowd", crowd.kind, str(crowd.count), timeout=900)
        stage.settle()


def _drain(plan: Plan, jobs: int, template: str) -> Sample:
    with plan.arena.stage(ours(), template) as stage:
        # Until all have run, not until all are finished: a crowd of due rows stays behind.
        return drain(stage, jobs, until_finished=False)
