"""django_jobs as a contestant: ``python -m benchmarks.ours COMMAND``, see ``contestants.py``.

``BENCH_JOB`` names the function, ``BENCH_PAYLOAD`` the bytes of its argument, ``BENCH_PROCESSES``
and ``BENCH_QUEUE`` what a worker has, ``BENCH_PAUSES`` the seconds between the jobs of ``latency``.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from typing import Any, Final

import django
from django.core.management import call_command
from django.db import connection

from benchmarks.crowd import fill

NAME: Final = "django_jobs"
NEEDS: Final = ("postgres",)
SETTINGS: Final = "runjobs --processes 2, everything else at its default"
PROCESSES: Final = 1  # runjobs forks its worker processes itself
REMAINING_SQL: Final = """
SELECT (SELECT count(*) FROM django_jobs_job WHERE status = 'pending' AND queue = 'bench')
+ (SELECT count(*) FROM django_jobs_job WHERE status = 'running' AND queue = 'bench')
"""

DRAIN_JOBS: Final = 40_000

CHUNK: Final = 1000
#: Bytes of arguments in one chunk at most.
MOST: Final = 10_000_000
#: Seconds that a job of ``latency`` may take to start.
PATIENCE: Final = 30.0


def prepare() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0)


def enqueue(count: int) -> dict[str, Any]:
    """One ``later()`` after the other, each its own transaction."""
    job, arguments = _call()
    job.later(**arguments)  # opens the connection
    began = time.perf_counter()
    for _ in range(count):
        job.later(**arguments)
    return {"seconds": time.perf_counter() - began, "count": count}


def bulk(count: int) -> dict[str, Any]:
    """``later_many`` by the thousand."""
    job, arguments = _call()
    size = max(1, min(CHUNK, MOST // (len(json.dumps(arguments)))))
    chunks = [min(size, count - start) for start in range(0, count, size)]
    connection.ensure_connection()
    began = time.perf_counter()
    for chunk in chunks:
        job.later_many([arguments] * chunk)
    return {"seconds": time.perf_counter() - began, "count": count}


seed = bulk


def work(slot: int) -> None:
    """Become a worker until SIGTERM."""
    processes = os.environ.get("BENCH_PROCESSES", "2")
    queue = os.environ.get("BENCH_QUEUE", "bench")
    command = [sys.executable, "-m", "django", "runjobs", "--name", f"{queue}-{slot}"]
    command += ["--queues", queue, "--processes", processes]
    os.execv(command[0], command)  # noqa: S606 - this very Python, without a shell


def paced(seconds: int, pace: int) -> dict[str, Any]:
    """Enqueue ``pace`` jobs per second for so many seconds."""
    job, arguments = _call()
    connection.ensure_connection()
    began = time.perf_counter()
    for number in range(seconds * pace):
        ahead = began + number / pace - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)  # keeps the pace
        job.later(**arguments)
    return {"seconds": time.perf_counter() - began, "count": seconds * pace}


def pause() -> None:
    """Let nothing be claimed."""
    from django_jobs import operations

    operations.pause_queue("bench")


def resume() -> None:
    """Let jobs be claimed again."""
    from django_jobs import operations

    operations.resume_queue("bench")


def latency(count: int) -> dict[str, Any]:
    """One job after the other on an idle queue: milliseconds until its first line runs.

    ``ms`` counts from the call of ``later()``, ``after_commit_ms`` from its return.
    """
    from benchmarks.jobs import tell_start
    from benchmarks.slots import starts

    low, high = map(float, os.environ.get("BENCH_PAUSES", "0.03:0.05").split(":"))
    tell_start.later(count)  # opens the connection
    time.sleep(1)  # until the worker is idle again
    called, returned = [], []
    for index in range(count):
        time.sleep(random.uniform(low, high))
        called.append(time.time_ns())
        tell_start.later(index)
        returned.append(time.time_ns())
    times = starts()[:count]
    _wait_for_all(times)
    return {"ms": _milliseconds(called, times), "after_commit_ms": _milliseconds(returned, times)}


def _wait_for_all(times: memoryview) -> None:
    deadline = time.monotonic() + PATIENCE
    while 0 in times:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Jobs did not start within {PATIENCE} s.")
        time.sleep(0.01)


def _milliseconds(before: list[int], after: memoryview) -> list[float]:
    return [(end - start) / 1e6 for start, end in zip(before, after.tolist(), strict=True)]


def _call() -> tuple[Any, dict[str, str]]:
    from benchmarks import jobs

    size = int(os.environ.get("BENCH_PAYLOAD", "0"))
    job = getattr(jobs, os.environ.get("BENCH_JOB", "noop"))
    return job, {"data": "x" * size} if size else {}


def main() -> None:
    """Run one command of the contract."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")
    command, arguments = sys.argv[1], sys.argv[2:]
    if command != "work":
        django.setup()
    if command == "crowd":
        fill(arguments[0], int(arguments[1]))
    else:
        print(json.dumps(globals()[command](*map(int, arguments))))


if __name__ == "__main__":
    main()
