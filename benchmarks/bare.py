"""Bare SQL as a contestant: what the database can do if a queue costs nothing.

A plain narrow table with one partial index, psycopg 3, and no guarantee but the rows' own.
``BENCH_BULK`` chooses unnest or copy, ``BENCH_BATCH`` the rows of a claim and of a finish.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any, Final

import psycopg

from benchmarks.slots import count_execution, executions

NAME: Final = "bare SQL"
NEEDS: Final = ("postgres",)
SETTINGS: Final = "psycopg 3, two client processes, prepared statements"
PROCESSES: Final = 2
REMAINING_SQL: Final = "SELECT count(*) FROM bare_job WHERE status <> 'done'"

DRAIN_JOBS: Final = 60_000

CHUNK: Final = 1000
#: Seconds between two looks at a table without work; only before and after what is measured.
IDLE: Final = 0.02

SCHEMA: Final = """
CREATE TABLE bare_job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    name text NOT NULL,
    params jsonb NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bare_job_due ON bare_job (id) WHERE status = 'pending';
"""
INSERT: Final = "INSERT INTO bare_job (queue, name, params) VALUES (%s, %s, %s)"
UNNEST: Final = """
INSERT INTO bare_job (queue, name, params)
SELECT 'bench', 'noop', one FROM unnest(%s::jsonb[]) AS one
"""
COPY: Final = "COPY bare_job (queue, name, params) FROM STDIN"
# By address and through arrays: joined, PostgreSQL would read the whole table for each batch.
CLAIM: Final = """
UPDATE bare_job SET status = 'running' WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM bare_job WHERE status = 'pending'
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
)) RETURNING id, name, params
"""
FINISH: Final = """
UPDATE bare_job SET status = 'done'
WHERE id = ANY(ARRAY(SELECT unnest(%s::bigint[]))) AND status || '' = 'running'
"""


def connect() -> psycopg.Connection[Any]:
    """A connection on which every statement is a transaction."""
    return psycopg.connect(os.environ["BENCH_DSN"], autocommit=True)


def prepare() -> None:
    """Make the table."""
    with connect() as connection:
        connection.execute(SCHEMA)


def enqueue(count: int) -> dict[str, Any]:
    """One parametrised INSERT and commit after the other."""
    values = ("bench", "noop", "{}")
    with connect() as connection:
        for _ in range(10):  # prepares the statement
            connection.execute(INSERT, values)
        began = time.perf_counter()
        for _ in range(count):
            connection.execute(INSERT, values)
        return {"seconds": time.perf_counter() - began, "count": count}


def bulk(count: int) -> dict[str, Any]:
    """A thousand rows per statement and transaction."""
    insert = _copy if os.environ.get("BENCH_BULK") == "copy" else _unnest
    chunks = [min(CHUNK, count - start) for start in range(0, count, CHUNK)]
    with connect() as connection:
        began = time.perf_counter()
        for chunk in chunks:
            insert(connection, chunk)
        return {"seconds": time.perf_counter() - began, "count": count}


seed = bulk


def _unnest(connection: psycopg.Connection[Any], count: int) -> None:
    connection.execute(UNNEST, [["{}"] * count])


def _copy(connection: psycopg.Connection[Any], count: int) -> None:
    with connection.cursor().copy(COPY) as copy:
        for _ in range(count):
            copy.write_row(("bench", "noop", "{}"))


def work(_slot: int) -> None:
    """Claim and finish until SIGTERM."""
    batch = int(os.environ.get("BENCH_BATCH", "100"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    executions()
    with connect() as connection:
        while True:
            rows = connection.execute(CLAIM, [batch]).fetchall()
            for _row in rows:
                count_execution()
            if rows:
                connection.execute(FINISH, [[row[0] for row in rows]])
            else:
                time.sleep(IDLE)


def latency(_count: int) -> dict[str, Any]:
    """Bare SQL does not wait for jobs."""
    return {"unsupported": True}


def main() -> None:
    """Run one command of the contract."""
    command, numbers = sys.argv[1], [int(argument) for argument in sys.argv[2:]]
    print(json.dumps(globals()[command](*numbers)))


if __name__ == "__main__":
    main()
