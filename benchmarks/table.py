"""Tables of the figures, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from benchmarks.contestants import Role
from benchmarks.results import Results, Series, best

HEADER: Final = (
    "benchmark",
    "contestant",
    "median",
    "min–max",
    "unit",
    "× bare",
    "× best peer",
    "× base",
    "CPU s/1,000",
    "server CPU",
    "peak MiB",
)
#: Columns of words; those of numbers are aligned to the right.
WORDS: Final = frozenset(
    {"benchmark", "case", "contestant", "unit", "target", "peer", "versions", "settings", "part"}
)

Row = tuple[str, ...]


def rows(results: Results, benchmark: str = "") -> Iterator[Row]:
    """Every series, or those of one benchmark, with its ratios."""
    for name, cases in results.benchmarks().items():
        if benchmark in ("", name):
            for series in cases.values():
                yield from _case(results, series)


def _case(results: Results, series: Sequence[Series]) -> Iterator[Row]:
    # The first of them, which is the one that the targets speak of.
    bare = next((one for one in series if one.role == Role.BARE), None)
    peer = best(one for one in series if one.role == Role.PEER)
    for one in series:
        if one.listed and one.samples:
            base = results.find(one.benchmark, one.base, one.contestant)
            yield _row(one, bare, peer, base if one.base != one.case else None)


def _row(one: Series, bare: Series | None, peer: Series | None, base: Series | None) -> Row:
    values = one.values
    return (
        one.benchmark if one.benchmark == one.case else f"{one.benchmark}: {one.case}",
        one.contestant,
        number(one.median),
        f"{number(min(values))}–{number(max(values))}" if values else "failed",
        one.unit,
        number(one.ratio(bare)) if bare and bare is not one else "",
        number(one.ratio(peer)) if peer and peer is not one else "",
        number(one.ratio(base)) if base else "",
        number(one.middle(lambda sample: sample.cpu), digits=3),
        number(one.middle(lambda sample: sample.server_cpu), digits=3),
        number(one.middle(lambda sample: sample.memory)),
    )


def number(value: float | None, digits: int = 2) -> str:
    """Three digits that matter, or all of a large number."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.{digits}f}"


def plain(header: Sequence[str], body: Iterable[Row]) -> str:
    """A table for the terminal."""
    kept, lines = _filled(header, body)
    widths = [max(len(line[column]) for line in (kept, *lines)) for column in range(len(kept))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if title in WORDS else cell.rjust(width)
            for title, cell, width in zip(kept, line, widths, strict=True)
        ).rstrip()
        for line in (kept, *lines)
    )


def markdown(header: Sequence[str], body: Iterable[Row], rename: Callable[[str], str] = str) -> str:
    """A table for the documentation."""
    kept, lines = _filled(header, body)
    rule = tuple(":--" if title in WORDS else "--:" for title in kept)
    titles = tuple(rename(title) for title in kept)
    return "\n".join("| " + " | ".join(line) + " |" for line in (titles, rule, *lines))


def _filled(header: Sequence[str], body: Iterable[Row]) -> tuple[Row, list[Row]]:
    """Without the columns in which nothing stands."""
    lines = list(body)
    columns = [
        index for index in range(len(header)) if not lines or any(line[index] for line in lines)
    ]
    return (
        tuple(header[index] for index in columns),
        [tuple(line[index] for index in columns) for line in lines],
    )
