"""PgQueuer: asyncio and PostgreSQL, the fastest Python peer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from contract import NOOP, STARTED, Commands, count_job, store_start

# isort: split
import asyncpg
import pgqueuer
import uvloop

NAME = "PgQueuer"
PACKAGES = ["pgqueuer[asyncpg]"]
PYTHON = "3.10"
NEEDS = ["postgres"]
SETTINGS = (
    "batch_size=1000 (performance guide: raise it for short jobs; it is also the size of the "
    "buffer of completions), one direct asyncpg connection per worker and `pgq autovac` (same "
    "guide), uvloop (the project's own benchmark), durability `durable` (default), 2 processes"
)
PROCESSES = 2
REMAINING_SQL = "SELECT count(*) FROM pgqueuer"
DRAIN_JOBS = 120_000


@asynccontextmanager
async def connection() -> AsyncIterator[asyncpg.Connection]:
    """A connection to the database of the benchmark."""
    opened = await asyncpg.connect(os.environ["BENCH_DSN"])
    try:
        yield opened
    finally:
        await opened.close()


def prepare() -> None:
    """Install the schema, and the settings of autovacuum that the documentation recommends."""

    async def install() -> None:
        async with connection() as opened:
            queries = pgqueuer.Queries.from_asyncpg_connection(opened)
            await queries.install()
            await queries.optimize_autovacuum()

    uvloop.run(install())


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One INSERT per job."""

    async def each() -> None:
        async with connection() as opened:
            queries = pgqueuer.Queries.from_asyncpg_connection(opened)
            for argument in arguments:
                await queries.enqueue(job, b"%d" % argument)

    uvloop.run(each())


def bulk(chunks: Iterable[Sequence[int]]) -> None:
    """One INSERT per chunk."""

    async def each() -> None:
        async with connection() as opened:
            queries = pgqueuer.Queries.from_asyncpg_connection(opened)
            for chunk in chunks:
                payloads = [b"%d" % argument for argument in chunk]
                await queries.enqueue([NOOP] * len(chunk), payloads, [0] * len(chunk))

    uvloop.run(each())


@asynccontextmanager
async def worker() -> AsyncIterator[pgqueuer.PgQueuer]:
    """The two jobs, as `pgq run` takes them."""
    async with connection() as opened:
        manager = pgqueuer.PgQueuer.from_asyncpg_connection(opened)

        @manager.entrypoint(NOOP)
        async def noop(job: pgqueuer.Job) -> None:
            count_job(int(job.payload))

        @manager.entrypoint(STARTED)
        async def started(job: pgqueuer.Job) -> None:
            store_start(int(job.payload))

        yield manager


def work(slot: int) -> None:
    """One worker, as `pgq run --batch-size 1000` does it."""
    count_job.open(slot)
    uvloop.run(pgqueuer.run(worker, batch_size=1000))


if __name__ == "__main__":
    Commands(prepare=prepare, enqueue=enqueue, work=work, bulk=bulk).run()
