"""procrastinate: asyncio and PostgreSQL; it can also be had as an app of Django."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence

from contract import NOOP, STARTED, Commands, count_job, store_start

# isort: split
from procrastinate import App, PsycopgConnector

NAME = "procrastinate"
PACKAGES = ["procrastinate", "psycopg[binary]"]
PYTHON = "3.10"
NEEDS = ["postgres"]
SETTINGS = (
    "coroutines with concurrency 10 (its guide on concurrency; 4 and 30 were no faster) and a pool "
    "of 11 connections (its guide on limiting them), notifications on (default), jobs kept "
    "(default); 2 processes"
)
PROCESSES = 2
REMAINING_SQL = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
DRAIN_JOBS = 3_000

CONCURRENCY = 10

# It warns of an app in the program itself, whose tasks get names that no other program finds.
logging.getLogger("procrastinate").setLevel(logging.ERROR)
connector = PsycopgConnector(conninfo=os.environ.get("BENCH_DSN", ""), max_size=CONCURRENCY + 1)
app = App(connector=connector)


@app.task(name=NOOP)
async def noop(argument: int) -> None:
    """The job of drains."""
    count_job(argument)


@app.task(name=STARTED)
async def started(argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def prepare() -> None:
    """Make the tables."""
    with app.open():
        app.schema_manager.apply_schema()


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One transaction per job."""
    wanted = app.tasks[job]
    with app.open():
        for argument in arguments:
            wanted.defer(argument=argument)


def bulk(chunks: Iterable[Sequence[int]]) -> None:
    """One transaction per chunk."""
    with app.open():
        for chunk in chunks:
            noop.batch_defer(*({"argument": argument} for argument in chunk))


def work(slot: int) -> None:
    """One worker."""
    count_job.open(slot)

    async def run() -> None:
        async with app.open_async():
            await app.run_worker_async(concurrency=CONCURRENCY)

    asyncio.run(run())


if __name__ == "__main__":
    Commands(prepare=prepare, enqueue=enqueue, work=work, bulk=bulk).run()
