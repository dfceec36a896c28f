"""huey on Redis."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from contract import NOOP, STARTED, Commands, count_job, store_start

# isort: split
from huey import RedisHuey

NAME = "huey on Redis"
PACKAGES = ["huey", "redis[hiredis]"]
PYTHON = "3.10"
NEEDS = ["redis"]
SETTINGS = (
    "4 threads (its help: when in doubt, threads; 1 and 2 were slower), no results, no log line "
    "per task, blocking reads (default), no periodic tasks, redis-py with hiredis; 2 processes"
)
PROCESSES = 2
REMAINING_SQL = None
DRAIN_JOBS = 16_000

huey = RedisHuey("peer", results=False, url=os.environ.get("BENCH_REDIS_URL"))


@huey.task(name=NOOP)
def noop(argument: int) -> None:
    """The job of drains."""
    count_job(argument)


@huey.task(name=STARTED)
def started(argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def prepare() -> None:
    """Empty the database of Redis."""
    huey.storage.conn.flushdb()


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One message per job."""
    wanted = {NOOP: noop, STARTED: started}[job]
    for argument in arguments:
        wanted(argument)


def work(slot: int) -> None:
    """The consumer, as ``huey_consumer`` starts it."""
    count_job.open(slot)
    logging.getLogger("huey").setLevel(logging.WARNING)
    huey.create_consumer(workers=4, periodic=False, graceful_signal="TERM").run()


if __name__ == "__main__":
    Commands(prepare=prepare, enqueue=enqueue, work=work).run()
