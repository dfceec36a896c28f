"""dramatiq on Redis."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable

from contract import NOOP, STARTED, Commands, count_job, store_start

# Read when the package is imported.
os.environ["dramatiq_queue_prefetch"] = "128"  # noqa: SIM112

# isort: split
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.cli import main, make_argument_parser

NAME = "dramatiq on Redis"
PACKAGES = ["dramatiq[redis]", "redis[hiredis]"]
PYTHON = "3.10"
NEEDS = ["redis"]
SETTINGS = (
    "its command line with 8 threads and a process per core (default), dramatiq_queue_prefetch=128 "
    "(documented: with the default of 16 the threads wait for messages), redis-py with hiredis, no "
    "results; 2 processes"
)
PROCESSES = 2
REMAINING_SQL = None
DRAIN_JOBS = 20_000


def noop(argument: int) -> None:
    """The job of drains."""
    count_job(argument)


def started(argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def open_broker() -> RedisBroker:
    """The broker, and the two jobs declared with it."""
    broker = RedisBroker(url=os.environ["BENCH_REDIS_URL"])
    dramatiq.set_broker(broker)
    dramatiq.actor(noop, actor_name=NOOP)
    dramatiq.actor(started, actor_name=STARTED)
    return broker


def prepare() -> None:
    """Empty the database of Redis."""
    open_broker().client.flushdb()


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One message per job."""
    wanted = open_broker().get_actor(job)
    for argument in arguments:
        wanted.send(argument)


def work(slot: int) -> None:
    """The command ``dramatiq`` with one process."""
    count_job.open(slot)
    # Its process must be a copy of this one, to know the slot.
    multiprocessing.set_start_method("fork")
    options = ["--processes=1", "--threads=8"]
    sys.exit(main(make_argument_parser().parse_args(["__main__:open_broker", *options])))


if __name__ == "__main__":
    Commands(prepare=prepare, enqueue=enqueue, work=work).run()
