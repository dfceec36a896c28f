"""Chancy: asyncio and PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence

from contract import NOOP, STARTED, Commands, count_job, store_start

# isort: split
from chancy import Chancy, Queue, Worker, job

NAME = "Chancy"
PACKAGES = ["chancy", "psycopg[binary]"]
PYTHON = "3.11"
NEEDS = ["postgres"]
SETTINGS = (
    "the executor of asyncio (documented for large numbers of jobs) with concurrency 1000 (default "
    "100), eager polling (documented for queues where jobs are always waiting), notifications on "
    "(default), no log line per job; 2 processes"
)
PROCESSES = 2
REMAINING_SQL = (
    "SELECT count(*) FROM chancy_jobs "
    "WHERE queue = 'default' AND state IN ('pending', 'running', 'retrying')"
)
DRAIN_JOBS = 30_000


@job()
async def noop(*, argument: int) -> None:
    """The job of drains."""
    count_job(argument)


@job()
async def started(*, argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def open_chancy() -> Chancy:
    """The application, to be entered."""
    quiet = logging.getLogger("chancy")
    quiet.setLevel(logging.WARNING)
    return Chancy(os.environ["BENCH_DSN"], log=quiet)


def prepare() -> None:
    """Make the tables and the queue."""
    queue = Queue("default", concurrency=1000, executor=Chancy.Executor.Async, eager_polling=True)

    async def install() -> None:
        async with open_chancy() as chancy:
            await chancy.migrate()
            await chancy.declare(queue, upsert=True)

    asyncio.run(install())


def enqueue(name: str, arguments: Iterable[int]) -> None:
    """One transaction per job."""
    wanted = {NOOP: noop, STARTED: started}[name].job

    async def each() -> None:
        async with open_chancy() as chancy:
            for argument in arguments:
                await chancy.push(wanted.with_kwargs(argument=argument))

    asyncio.run(each())


def bulk(chunks: Iterable[Sequence[int]]) -> None:
    """One transaction per chunk."""

    async def each() -> None:
        async with open_chancy() as chancy:
            for chunk in chunks:
                jobs = [noop.job.with_kwargs(argument=argument) for argument in chunk]
                async for _ in chancy.push_many(jobs):
                    pass

    asyncio.run(each())


def work(slot: int) -> None:
    """One worker."""
    count_job.open(slot)

    async def run() -> None:
        async with open_chancy() as chancy, Worker(chancy) as worker:
            await worker.wait_for_shutdown()

    asyncio.run(run())


if __name__ == "__main__":
    Commands(prepare=prepare, enqueue=enqueue, work=work, bulk=bulk).run()
