"""What was measured: samples in series, and what a series tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self

from benchmarks.contestants import Contestant, Role


@dataclass
class Sample:
    """One run.

    Attributes:
        value: in the unit of its series.
        cpu: seconds of the worker processes for 1,000 jobs.
        server_cpu: those of the database server.
        memory: peak resident size of all worker processes in MiB.
        jobs: how many there were, if it was a drain.
    """

    value: float
    cpu: float | None = None
    server_cpu: float | None = None
    memory: float | None = None
    jobs: int = 0


@dataclass
class Series:
    """All runs of one contestant in one case of one benchmark.

    ``samples`` has ``None`` for a run that failed, so that the same index is the same round.
    ``x``: where the case lies on the axis of a curve, if it is a point of one.
    ``base``: the case of the same contestant that this one is compared with.
    ``listed``: whether the tables have it; else it is only a point of a curve.
    """

    benchmark: str
    case: str
    contestant: str
    role: Role
    unit: str
    higher_is_better: bool = True
    samples: list[Sample | None] = field(default_factory=list)
    x: float | None = None
    base: str = ""
    listed: bool = True

    @property
    def done(self) -> list[Sample]:
        """The runs that succeeded."""
        return [sample for sample in self.samples if sample is not None]

    @property
    def values(self) -> list[float]:
        """Their values."""
        return [sample.value for sample in self.done]

    @property
    def median(self) -> float | None:
        """The middle one."""
        return median(self.values) if self.values else None

    def middle(self, of: Callable[[Sample], float | None]) -> float | None:
        """The median of something else that the samples have."""
        found = [value for sample in self.done if (value := of(sample)) is not None]
        return median(found) if found else None

    def ratio(self, other: Series) -> float | None:
        """The median of the ratios within each round."""
        pairs = zip(self.samples, other.samples, strict=False)
        ratios = [one.value / two.value for one, two in pairs if one and two and two.value]
        return median(ratios) if ratios else None


@dataclass
class Results:
    """Everything of one run of the suite; ``stacks``: what a profile saw, and how often."""

    options: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    contestants: dict[str, dict[str, Any]] = field(default_factory=dict)
    series: list[Series] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stacks: list[tuple[list[str], int]] = field(default_factory=list)

    def one(
        self, benchmark: str, case: str, contestant: Contestant, unit: str, **more: Any
    ) -> Series:
        """The series of a contestant, made when it is first asked for."""
        found = self.find(benchmark, case, contestant.name)
        if found is None:
            role = contestant.role
            found = Series(benchmark, case, contestant.name, role, unit, **more)
            self.series.append(found)
        return found

    def find(self, benchmark: str, case: str, contestant: str) -> Series | None:
        """An existing series."""
        wanted = (benchmark, case, contestant)
        return next(
            (one for one in self.series if (one.benchmark, one.case, one.contestant) == wanted),
            None,
        )

    def benchmarks(self) -> dict[str, dict[str, list[Series]]]:
        """Benchmark → case → series, in the order in which they were measured."""
        tree: dict[str, dict[str, list[Series]]] = {}
        for one in self.series:
            tree.setdefault(one.benchmark, {}).setdefault(one.case, []).append(one)
        return tree

    def save(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote."""
        told = json.loads(path.read_text())
        series = [_series_from(one) for one in told.pop("series")]
        return cls(**told, series=series)


def _series_from(told: dict[str, Any]) -> Series:
    samples = [Sample(**one) if one else None for one in told.pop("samples")]
    return Series(**told | {"role": Role(told["role"])}, samples=samples)


def best(series: Iterable[Series]) -> Series | None:
    """The one with the best median."""
    measured = [(one, middle) for one in series if (middle := one.median) is not None]
    if not measured:
        return None
    higher = measured[0][0].higher_is_better
    return (max if higher else min)(measured, key=lambda pair: pair[1])[0]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
