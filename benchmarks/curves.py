"""Which series become which chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.charts import Axes, Line, line_chart, short
from benchmarks.growth import EMPTY, NO_ROWS
from benchmarks.results import Results


def charts(results: Results) -> Iterator[tuple[str, str]]:
    """The name of every chart whose figures were measured, and its picture."""
    for name, axes, lines in (
        ("growth", _GROWTH, _growth(results)),
        ("workers", _WORKERS, [_line(results, "workers", "drain", "")]),
        ("payload", _PAYLOAD, [_line(results, "payload", "", "")]),
        ("longtransaction", _LONG, _longtransaction(results)),
    ):
        drawn = [line for line in lines if line.points]
        if not drawn:
            continue
        if not axes.marks:
            axes = _with_marks(axes, drawn)
        yield name, line_chart(axes, drawn)


_GROWTH = Axes("Drain beside finished rows", "rows in the table", "jobs/s", ())
_WORKERS = Axes("Drain with more worker processes", "worker processes", "jobs/s", ())
_PAYLOAD = Axes("Drain with larger arguments", "bytes of arguments per job", "jobs/s", ())
_LONG = Axes(
    "Claims at 200 jobs/s beside a transaction that is held open",
    "seconds",
    "p99 of a claim, ms",
    (),
    logarithmic=False,
)


def _line(results: Results, benchmark: str, prefix: str, name: str) -> Line:
    points = [
        (one.x, one.median)
        for one in results.series
        if one.benchmark == benchmark and one.case.startswith(prefix)
        if one.x is not None and one.median is not None
    ]
    return Line(name, sorted(points))


def _growth(results: Results) -> list[Line]:
    return [_line(results, "growth", "", "")]


def _longtransaction(results: Results) -> list[Line]:
    return [
        _line(results, "longtransaction", f"claim p99 over time, {name}", name)
        for name in ("nothing held open", "a transaction held open")
    ]


def _with_marks(axes: Axes, lines: list[Line]) -> Axes:
    values = sorted({x for line in lines for x, _ in line.points})
    if not axes.logarithmic:
        values = [0.0, *values[1::2]]
    marks = [(x, EMPTY if x == NO_ROWS else short(x)) for x in values]
    return replace(axes, marks=marks)
