"""Where the time of a job goes: ``--profile`` samples one worker process while it drains.

py-spy looks at the process from outside, many times a second, and counts what the thread does
that holds Python's global lock. What the database server does is not in the picture.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.contestants import ours
from benchmarks.draining import GLANCE, START_LIMIT, sized, wait_until
from benchmarks.memory import worker_process
from benchmarks.plan import Plan, tell
from benchmarks.processes import Failed, ProcessTree

#: Samples per second.
RATE: Final = 250
SECONDS: Final = 4

#: A frame of py-spy: ``function (file:line)``.
FRAME: Final = re.compile(r"^(?P<function>.*) \((?P<file>[^()]*?)(?::\d+)?\)$")

#: What leads to the main loop of a worker process.
START: Final = ("django_jobs.runtime.supervisor:", "django_jobs.runtime.child:")

Stack = tuple[str, ...]
Stacks = Sequence[tuple[Sequence[str], int]]


def benchmark(plan: Plan) -> None:
    """Sample a drain."""
    seen: Counter[Stack] = Counter()
    for stack, count in profile(plan).items():
        seen[_without_start(stack)] += count
    plan.results.stacks = [(list(stack), count) for stack, count in seen.items()]


def profile(plan: Plan) -> dict[Stack, int]:
    """How often each stack was seen, of synchronous jobs, in a single worker process."""
    contestant = ours().variant(ours().name, BENCH_PROCESSES="1")
    rate = sized(plan, contestant).value
    # More than enough: under a busy machine the rate may have been too low.
    jobs = int(rate * SECONDS * 3) + 1000
    with plan.arena.stage(contestant) as stage:
        stage.seed(jobs)
        stage.settle()
        with stage.workers() as (tree,):
            wait_until(lambda: stage.executed() > jobs // 50, [tree], START_LIMIT, GLANCE)
            stacks = _sample(worker_process(stage, tree).pid, stage.folder / "stacks")
            if stage.executed() >= jobs:
                tell("The drain ended before its profile; the last samples show an idle process.")
    return stacks


def _sample(pid: int, path: Path) -> dict[Stack, int]:
    program = Path(sys.executable).with_name("py-spy")
    if not program.exists():
        raise Failed("py-spy is not installed; it is in the dependency group bench")
    command = [str(program), "record", "--pid", str(pid), "--output", str(path)]
    command += ["--format", "raw", "--gil", "--full-filenames", "--function", "--rate", str(RATE)]
    tree = ProcessTree([*command, "--duration", str(SECONDS)], {})
    try:
        tree.wait(SECONDS + 30)
    finally:
        tree.kill()
    return read(path.read_text())


def read(text: str) -> dict[Stack, int]:
    """The stacks of py-spy's raw format, outermost frame first, and how often each was seen."""
    stacks: Counter[Stack] = Counter()
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        stacks[tuple(map(_readable, frames.split(";")))] += int(count)
    return stacks


def _readable(frame: str) -> str:
    """``module:function``, without the folders of this machine."""
    found = FRAME.match(frame)
    if found is None:
        return frame
    return f"{_module(Path(found['file']))}:{found['function']}"


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    for anchor in ("site-packages", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        if anchor in parts:
            parts = parts[len(parts) - parts[::-1].index(anchor) :]
            break
    else:
        roots = [parts.index(name) for name in ("django_jobs", "benchmarks") if name in parts[:-1]]
        parts = parts[max(roots, default=len(parts) - 1) :]
    return ".".join(part for part in parts if part != "__init__")


def _without_start(stack: Stack) -> Stack:
    """Leave out how the process and its threads came to run."""
    for depth, frame in enumerate(stack):
        if frame.startswith("django_jobs.runtime.") and not frame.startswith(START):
            return stack[depth:]
    return stack


def parts(stacks: Stacks) -> list[tuple[str, float]]:
    """The share of every module of django_jobs, with what it calls, in %."""
    counted: Counter[str] = Counter()
    for stack, count in stacks:
        counted[_owner(stack)] += count
    total = sum(counted.values()) or 1
    return [(name, 100 * count / total) for name, count in counted.most_common()]


def _owner(stack: Sequence[str]) -> str:
    """The innermost module of ours in a stack, and whether it was in the driver or Django."""
    for depth, frame in reversed(list(enumerate(stack))):
        if frame.startswith(("django_jobs.", "benchmarks.")):
            called = {inner.split(".")[0] for inner in stack[depth + 1 :]}
            guest = next((name for name in ("psycopg", "django") if name in called), "")
            module = frame.split(":")[0]
            return f"{module} in {guest}" if guest else module
    return "Python itself: threads and locks"
