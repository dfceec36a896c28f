"""What was promised, and whether the figures keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks import table
from benchmarks.contestants import Role
from benchmarks.results import Results, Series, best

SYNC: Final = "django_jobs, sync"
ASYNC: Final = "django_jobs, async"
SNAPSHOTS: Final = "django_jobs, snapshots only"
OURS: Final = "django_jobs"
BARE_100: Final = "bare SQL, 100 at a time"

#: Looks a figure up; ``None`` if it was not measured.
Figure = Callable[[Results], float | None]


@dataclass(frozen=True)
class Target:
    """A figure and its limit."""

    title: str
    figure: Figure
    limit: float
    at_least: bool = True

    def is_met(self, value: float) -> bool:
        """Whether the figure is on the right side."""
        return value >= self.limit if self.at_least else value <= self.limit


def _value(benchmark: str, case: str, contestant: str = OURS) -> Figure:
    def figure(results: Results) -> float | None:
        found = results.find(benchmark, case, contestant)
        return found.median if found else None

    return figure


def _ratio(benchmark: str, contestant: str, other: str) -> Figure:
    """Within one case that bears the name of its benchmark."""

    def figure(results: Results) -> float | None:
        one = results.find(benchmark, benchmark, contestant)
        two = results.find(benchmark, benchmark, other)
        return one.ratio(two) if one and two else None

    return figure


def _best_peer(benchmark: str, needs: str = "") -> Figure:
    """Beside the best peer, or the best of those that need a certain server."""

    def figure(results: Results) -> float | None:
        peer = best(
            one
            for one in results.benchmarks().get(benchmark, {}).get(benchmark, [])
            if one.role == Role.PEER
            if needs in ("", *results.contestants.get(one.contestant, {}).get("needs", ()))
        )
        return _ratio(benchmark, OURS, peer.contestant)(results) if peer else None

    return figure


def _worst(benchmark: str, prefix: str = "") -> Figure:
    """The smallest ratio of a case to its base."""

    def figure(results: Results) -> float | None:
        ratios = [
            ratio
            for one in results.series
            if one.benchmark == benchmark and one.case.startswith(prefix)
            if (ratio := _to_base(results, one)) is not None
        ]
        return min(ratios, default=None)

    return figure


def _to_base(results: Results, one: Series) -> float | None:
    base = results.find(one.benchmark, one.base, one.contestant)
    return one.ratio(base) if base and base is not one else None


def _base(benchmark: str, case: str) -> Figure:
    def figure(results: Results) -> float | None:
        found = results.find(benchmark, case, OURS)
        return _to_base(results, found) if found else None

    return figure


def _many_workers(results: Results) -> float | None:
    """The rate with 64 attached processes beside the best number of processes."""
    drains = [
        one for one in results.series if one.benchmark == "workers" and one.case.startswith("drain")
    ]
    most = max(drains, key=lambda one: one.x or 0, default=None)
    quickest = best(drains)
    if most is None or quickest is None or (most.x or 0) < 64:
        return None
    return most.ratio(quickest)


def _first_starting(benchmark: str, prefix: str) -> Figure:
    def figure(results: Results) -> float | None:
        return next(
            (
                one.median
                for one in results.series
                if one.benchmark == benchmark and one.case.startswith(prefix)
            ),
            None,
        )

    return figure


def _slower_of_both(other: str) -> Figure:
    """The slower one of sync and async beside another contestant."""

    def figure(results: Results) -> float | None:
        both = [_ratio("drain", one, other)(results) for one in (SYNC, ASYNC)]
        return min((one for one in both if one is not None), default=None)

    return figure


TARGETS: Final = (
    Target("drain ÷ PgQueuer", _ratio("drain", SYNC, "PgQueuer"), 1.2),
    Target("drain ÷ bare SQL, 100 at a time", _ratio("drain", SYNC, BARE_100), 0.6),
    Target("drain ÷ django-tasks-db", _ratio("drain", SYNC, "django-tasks-db"), 40),
    Target("drain ÷ Celery on Redis", _ratio("drain", SYNC, "Celery on Redis"), 10),
    Target(
        "drain with snapshots only ÷ graphile-worker",
        _ratio("drain", SNAPSHOTS, "graphile-worker"),
        1.0,
    ),
    Target("slower of sync and async ÷ PgQueuer", _slower_of_both("PgQueuer"), 0.96),
    Target("slower of sync and async ÷ bare SQL", _slower_of_both(BARE_100), 0.48),
    Target("one later() ÷ one bare INSERT", _ratio("enqueue", OURS, "bare SQL"), 0.7),
    Target("one later() ÷ the fastest peer", _best_peer("enqueue"), 1.0),
    Target("one later() ÷ the fastest peer on PostgreSQL", _best_peer("enqueue", "postgres"), 1.0),
    Target("later_many ÷ PgQueuer", _ratio("bulk", OURS, "PgQueuer"), 1.0),
    Target("later_many ÷ graphile-worker", _ratio("bulk", OURS, "graphile-worker"), 1.0),
    Target("latency p50, ms", _value("latency", "p50 since the call"), 2, at_least=False),
    Target("latency p99, ms", _value("latency", "p99 since the call"), 10, at_least=False),
    Target(
        "latency p99 without NOTIFY, ms",
        _value("latency", "p99 since the call", "django_jobs, NOTIFY off"),
        1000,
        at_least=False,
    ),
    Target("growth, the worst case ÷ the empty table", _worst("growth"), 0.9),
    Target("drain with 64 processes ÷ the best number", _many_workers, 0.8),
    Target("drain beside idle processes ÷ without", _worst("workers", "drain by 2"), 0.8),
    Target(
        "statements per idle process and second",
        _value("workers", "idle: statements per process and second"),
        1.07,  # one per poll each second, and one per heartbeat each 15 seconds
        at_least=False,
    ),
    Target("CPU of an idle process, %", _value("workers", "idle: CPU per process"), 0.5, False),
    Target(
        "claim p99 beside a long transaction ÷ without",
        _base("longtransaction", "claim p99 in the second half, a transaction held open"),
        5,
        at_least=False,
    ),
    Target(
        "SQLite drain, synchronous=NORMAL, jobs/s",
        _value("sqlite", "drain, synchronous=NORMAL"),
        5000,
    ),
    Target(
        "SQLite enqueue, synchronous=NORMAL, jobs/s",
        _value("sqlite", "enqueue, synchronous=NORMAL"),
        3000,
    ),
    Target(
        "worker process above a bare one, MiB",
        _value("memory", "worker process above the bare one"),
        25,
        at_least=False,
    ),
    Target("growth of a worker process, MiB", _first_starting("memory", "growth"), 3, False),
    Target("import in a web process, ms of CPU", _value("importing", "of CPU time"), 50, False),
)


def verdicts(results: Results, met: str, missed: str) -> list[tuple[str, str, str, str]]:
    """Title, limit, figure and verdict of the targets whose figures were measured."""
    measured = [(target, target.figure(results)) for target in TARGETS]
    return [
        (
            target.title,
            f"{'≥' if target.at_least else '≤'} {target.limit:,g}",
            table.number(value),
            met if target.is_met(value) else missed,
        )
        for target, value in measured
        if value is not None
    ]
