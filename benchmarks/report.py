"""``python -m benchmarks.report FILE…``: put figures into ``docs/benchmarks.md``.

Each part between ``<!-- figures: NAME -->`` and ``<!-- end -->`` is written anew, and the charts
go to ``docs/benchmarks/``. Of several files a later one replaces the benchmarks it has.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import curves, table
from benchmarks.charts import bar_chart
from benchmarks.flames import flame_chart
from benchmarks.processes import ROOT
from benchmarks.profiling import parts
from benchmarks.results import Results
from benchmarks.targets import verdicts

PAGE: Final = ROOT / "docs" / "benchmarks.md"
PICTURES: Final = ROOT / "docs" / "benchmarks"
REGION: Final = re.compile(r"(<!-- figures: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
NOTHING: Final = "Not measured in this run."

#: Words of the table's columns that the documentation spells out.
TITLES: Final = {
    "CPU s/1,000": "worker CPU, s per 1,000 jobs",
    "server CPU": "server CPU, s per 1,000 jobs",
    "× base": "× first row",
}


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="from --json")
    results = merged([Results.load(path) for path in parser.parse_args().files])
    write(results)


def merged(runs: list[Results]) -> Results:
    """One result of several runs."""
    first, *others = runs
    for other in others:
        measured = other.benchmarks().keys()
        first.series = [one for one in first.series if one.benchmark not in measured]
        first.series += other.series
        first.contestants |= other.contestants
        first.stacks = other.stacks or first.stacks
        first.machine, first.options = other.machine, other.options
    return first


def write(results: Results) -> None:
    """Fill the page in, draw the charts."""
    PICTURES.mkdir(exist_ok=True)
    for name, picture in curves.charts(results):
        (PICTURES / f"{name}.svg").write_text(picture)
    if results.stacks:
        draw_profile(results)
    PAGE.write_text(REGION.sub(lambda found: _filled(found, results), PAGE.read_text()))


def draw_profile(results: Results) -> None:
    """The parts as bars, and all stacks."""
    PICTURES.mkdir(exist_ok=True)
    title = "Where a worker process spends its time"
    (PICTURES / "profile.svg").write_text(bar_chart(title, parts(results.stacks)[:14], "%"))
    (PICTURES / "stacks.svg").write_text(flame_chart(title, results.stacks))


def _filled(found: re.Match[str], results: Results) -> str:
    name = found["name"]
    special: dict[str, Callable[[Results], str]] = {
        "machine": _machine,
        "targets": _targets,
        "peers": _peers,
        "profile": _profile,
    }
    text = special[name](results) if name in special else _figures(results, name)
    return f"{found[1]}{text or NOTHING}\n{found[3]}"


def _figures(results: Results, benchmark: str) -> str:
    body = [(_short(row[0], benchmark), *row[1:]) for row in table.rows(results, benchmark)]
    if not body:
        return ""
    header = ("case", *table.HEADER[1:])
    return table.markdown(header, body, rename=lambda title: TITLES.get(title, title))


def _short(title: str, benchmark: str) -> str:
    return "" if title == benchmark else title.removeprefix(f"{benchmark}: ")


def _machine(results: Results) -> str:
    lines = [f"- {name}: {value}" for name, value in results.machine.items()]
    rounds: dict[str, int] = {}
    for one in results.series:
        rounds[one.benchmark] = max(rounds.get(one.benchmark, 0), len(one.samples))
    counted = ", ".join(f"{name} {count}" for name, count in rounds.items())
    return "\n".join([*lines, f"- rounds: {counted}"])


def _targets(results: Results) -> str:
    body = verdicts(results, "yes", "**no**")
    return table.markdown(("target", "limit", "measured", "met"), body) if body else ""


def _peers(results: Results) -> str:
    body = [
        (
            name,
            ", ".join(f"{package} {version}" for package, version in told["versions"].items()),
            told["settings"].replace("`", ""),
        )
        for name, told in results.contestants.items()
    ]
    return table.markdown(("peer", "versions", "settings"), body) if body else ""


def _profile(results: Results) -> str:
    shares = parts(results.stacks)
    body = [(name, f"{share:.1f}") for name, share in shares if share >= 1]
    return table.markdown(("part", "% of samples"), body) if body else ""


if __name__ == "__main__":
    main()
