"""Celery on Redis."""

from __future__ import annotations

import os
from collections.abc import Iterable

from contract import NOOP, STARTED, Commands, count_job, store_start

# isort: split
import celery
import redis

NAME = "Celery on Redis"
PACKAGES = ["celery[redis]", "redis[hiredis]"]
PYTHON = "3.10"
NEEDS = ["redis"]
SETTINGS = (
    "prefetch multiplier 128 and no results (its guide on optimising, for many short tasks), pool "
    "`solo` (prefork was slower), no gossip, mingle, heartbeat or log line per job, redis-py with "
    "hiredis; 2 processes"
)
PROCESSES = 2
REMAINING_SQL = None
DRAIN_JOBS = 6_000

app = celery.Celery("peer", broker=os.environ.get("BENCH_REDIS_URL"))
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=128,
)


@app.task(name=NOOP)
def noop(argument: int) -> None:
    """The job of drains."""
    count_job(argument)


@app.task(name=STARTED)
def started(argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def prepare() -> None:
    """Empty the database of Redis."""
    redis.Redis.from_url(os.environ["BENCH_REDIS_URL"]).flushdb()


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One message per job."""
    wanted = {NOOP: noop, STARTED: started}[job]
    for argument in arguments:
        wanted.delay(argument)


def work(slot: int) -> None:
    """One process that runs one task at a time."""
    count_job.open(slot)
    quiet = ("--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat")
    app.worker_main(["worker", "--pool=solo", f"--hostname=peer{slot}@%h", *quiet])


if __name__ == "__main__":
    Commands(prepare=prepare, enqueue=enqueue, work=work).run()
