"""The table that a run prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.contestants import Role
from benchmarks.results import Results, Series, best

HEADER = (
    "benchmark",
    "contestant",
    "median",
    "min–max",
    "unit",
    "× bare",
    "× best peer",
    "CPU s/1,000",
    "server CPU",
    "peak MiB",
)


def rows(results: Results) -> Iterator[tuple[str, ...]]:
    """Every series with its ratios."""
    for cases in results.benchmarks().values():
        for series in cases.values():
            bare = best(one for one in series if one.role == Role.BARE)
            peer = best(one for one in series if one.role == Role.PEER)
            for one in series:
                yield _row(one, bare, peer)


def _row(one: Series, bare: Series | None, peer: Series | None) -> tuple[str, ...]:
    title = one.benchmark if one.benchmark == one.case else f"{one.benchmark}: {one.case}"
    values = one.values
    return (
        title,
        one.contestant,
        number(one.median),
        f"{number(min(values))}–{number(max(values))}" if values else "failed",
        one.unit,
        number(one.ratio(bare)) if bare and one.role != Role.BARE else "",
        number(one.ratio(peer)) if peer and one.role != Role.PEER else "",
        number(one.middle(lambda sample: sample.cpu)),
        number(one.middle(lambda sample: sample.server_cpu)),
        number(one.middle(lambda sample: sample.memory)),
    )


def number(value: float | None) -> str:
    """Three digits that matter, or all of a large number."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def plain(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """A table for the terminal."""
    lines = [tuple(header), *map(tuple, body)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(_aligned(cell, width, index) for index, (cell, width) in _cells(line, widths))
        for line in lines
    )


def _cells(line: tuple[str, ...], widths: list[int]) -> Iterator[tuple[int, tuple[str, int]]]:
    yield from enumerate(zip(line, widths, strict=True))


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column < 2 else cell.rjust(width)
