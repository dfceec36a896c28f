"""``python -m benchmarks``: run the suite and print one table."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from benchmarks import (
    attached,
    contestants,
    draining,
    enqueueing,
    environments,
    growth,
    importing,
    latency,
    longtransaction,
    machine,
    memory,
    payload,
    profiling,
    sqlite,
    table,
)
from benchmarks.arena import Arena
from benchmarks.contestants import Contestant
from benchmarks.plan import QUICK_END, Plan, tell
from benchmarks.processes import ROOT
from benchmarks.report import PICTURES, draw_profile
from benchmarks.results import Results
from benchmarks.servers import DurablePostgres, Redis
from benchmarks.targets import verdicts

BENCHMARKS: Final[dict[str, Callable[[Plan], None]]] = {
    "drain": draining.benchmark,
    "enqueue": enqueueing.benchmark_single,
    "bulk": enqueueing.benchmark_bulk,
    "latency": latency.benchmark,
    "sqlite": sqlite.benchmark,
    "growth": growth.benchmark,
    "workers": attached.benchmark,
    "payload": payload.benchmark,
    "longtransaction": longtransaction.benchmark,
    "memory": memory.benchmark,
    "importing": importing.benchmark,
}


def main() -> None:
    """Run what the command line asks for."""
    options = parse()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, interrupt)
    signal.alarm(QUICK_END if options.quick and options.peers == "none" else 0)
    results = Results(options={**vars(options), "json": None})
    peers = list(equipped(options.peers, results, upgrade=options.upgrade))
    try:
        with servers(peers) as arena:
            results.machine = machine.describe(arena.postgres)
            plan = Plan(arena, results, peers, options.runs, options.quick, options.minutes)
            run(plan, options)
    except KeyboardInterrupt:
        tell("Interrupted, or out of time; this is what was measured:")
    for peer in peers:
        results.contestants[peer.name] = {
            "settings": peer.settings,
            "needs": sorted(peer.needs),
            "versions": environments.versions(peer),
        }
    if options.json:
        results.save(options.json)
    print(table.plain(table.HEADER, table.rows(results)))
    show_verdicts(results)
    show_profile(results)
    for failure in results.failures:
        tell(f"failed: {failure}")


def interrupt(*_: object) -> None:
    """End once, and let nothing disturb the end of what was started."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def run(plan: Plan, options: argparse.Namespace) -> None:
    """Measure; what can't be measured does not stop the rest."""
    chosen = {name: BENCHMARKS[name] for name in options.only}
    if options.profile:
        chosen["profile"] = profiling.benchmark
    for name, benchmark in chosen.items():
        try:
            if not plan.is_late:
                benchmark(plan)
        except Exception as error:  # noqa: BLE001 - the figures so far must not be lost
            plan.fail(name, error)


def show_verdicts(results: Results) -> None:
    """Say which targets are met."""
    body = verdicts(results, "met", "missed")
    if body:
        print("\n" + table.plain(("target", "limit", "measured", "verdict"), body))


def show_profile(results: Results) -> None:
    """Say and draw where the time goes."""
    if results.stacks:
        draw_profile(results)
        tell(f"{PICTURES.relative_to(ROOT)}/stacks.svg shows the profile.")
    for part, share in profiling.parts(results.stacks)[:20]:
        print(f"{share:5.1f} %  {part}")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        type=benchmark_names,
        default=None,
        metavar="NAME,…",
        help=f"some of: {', '.join(BENCHMARKS)}",
    )
    parser.add_argument(
        "--peers",
        default=None,
        metavar="NAME,…",
        help=f"some of: {', '.join(one.key for one in contestants.peers())}; or all, or none",
    )
    parser.add_argument("--quick", action="store_true", help="rough figures within 3 minutes")
    parser.add_argument(
        "--profile", action="store_true", help="where the time of a job goes; alone unless --only"
    )
    parser.add_argument("--runs", type=int, default=None, help="rounds; 5, or 1 if quick")
    parser.add_argument("--minutes", type=float, default=1.0, help="of the long transaction")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="save the figures")
    parser.add_argument("--upgrade", action="store_true", help="install the peers anew")
    options = parser.parse_args()
    options.only = options.only or ([] if options.profile else list(BENCHMARKS))
    options.runs = options.runs or (1 if options.quick else 5)
    options.peers = options.peers or ("none" if options.quick or not options.only else "all")
    return options


def benchmark_names(text: str) -> list[str]:
    """Names that a comma separates."""
    names = text.split(",")
    if unknown := [name for name in names if name not in BENCHMARKS]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not among {', '.join(BENCHMARKS)}")
    return names


def equipped(wanted: str, results: Results, *, upgrade: bool) -> Iterator[Contestant]:
    """The wanted peers that can take part, each with its environment."""
    if wanted == "none":
        return
    names = {name.replace("-", "_") for name in wanted.split(",")}
    if unknown := names - {"all"} - {peer.key for peer in contestants.peers()}:
        raise SystemExit(f"--peers: {', '.join(sorted(unknown))}: there is no such adapter.")
    for peer in contestants.peers():
        if wanted != "all" and peer.key not in names:
            continue
        try:
            if "redis" in peer.needs and not Redis.is_installed():
                raise environments.NotInstallable("redis-server is not installed")
            tell(f"preparing {peer.name}")
            ready = environments.equip(peer, upgrade=upgrade)
        except environments.NotInstallable as error:
            results.failures.append(f"{peer.name} does not take part: {error}")
            continue
        yield ready


@contextmanager
def servers(peers: list[Contestant]) -> Iterator[Arena]:
    """PostgreSQL, and Redis if somebody needs it."""
    with ExitStack() as stack:
        postgres = stack.enter_context(DurablePostgres())
        needed = any("redis" in peer.needs for peer in peers)
        redis = stack.enter_context(Redis()) if needed else None
        yield Arena(postgres, redis)


if __name__ == "__main__":
    main()
