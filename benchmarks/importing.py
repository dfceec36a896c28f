"""What django_jobs adds to the start of a web process: ``importing``."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.contestants import ours
from benchmarks.plan import Plan
from benchmarks.processes import ProcessTree
from benchmarks.results import Sample

#: A site without and with Django's admin, which imports the admin of every app.
SITES = {"1": "", "admin": ", with the admin"}


def benchmark(plan: Plan) -> None:
    """Start a site with and without django_jobs by turns; the differences count."""
    for site, suffix in SITES.items():
        for _ in range(3):  # compiles what was never imported
            _start(site, {})
        for _ in range(plan.runs * 3):
            with_jobs, without = _start(site, {}), _start(site, {"BENCH_BARE": "1"})
            figures = {
                f"start of a site without django_jobs{suffix}": (without["ms"], "ms"),
                f"django_jobs adds{suffix}": (with_jobs["ms"] - without["ms"], "ms"),
                f"of CPU time{suffix}": (with_jobs["cpu_ms"] - without["cpu_ms"], "ms"),
                f"more threads{suffix}": (with_jobs["threads"] - without["threads"], "threads"),
                f"connections{suffix}": (with_jobs["connections"], "connections"),
            }
            for case, (value, unit) in figures.items():
                series = plan.results.one("importing", case, ours(), unit, higher_is_better=False)
                series.samples.append(Sample(value))


def _start(site: str, environment: dict[str, str]) -> dict[str, Any]:
    tree = ProcessTree(
        (sys.executable, "-m", "benchmarks.starting"),
        {
            "BENCH_DSN": "postgresql://nobody@127.0.0.1:1/none",
            "BENCH_SITE": site,
            # As an installed site has it, whatever this shell says.
            "PYTHONDONTWRITEBYTECODE": "",
            **environment,
        },
    )
    try:
        told: dict[str, Any] = json.loads(tree.wait(60))
    finally:
        tree.kill()
    return told
