"""Bare SQL on SQLite as a contestant: the same plain table, one process, the standard library.

``BENCH_PRAGMA`` sets the durability, as it does for ours.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from typing import Any, Final

from benchmarks.slots import count_execution, executions

NAME: Final = "bare SQL"
NEEDS: Final = ()
SETTINGS: Final = "sqlite3 of the standard library, write-ahead log, one process"
PROCESSES: Final = 1
REMAINING_SQL: Final = "SELECT count(*) FROM bare_job WHERE status <> 'done'"

DRAIN_JOBS: Final = 30_000

CHUNK: Final = 1000
BATCH: Final = 100
#: Seconds between two looks at a table without work; only before and after what is measured.
IDLE: Final = 0.02

SCHEMA: Final = """
CREATE TABLE bare_job (
    id INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    name TEXT NOT NULL,
    params TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending'
);
CREATE INDEX bare_job_due ON bare_job (queue, id) WHERE status = 'pending';
"""
INSERT: Final = "INSERT INTO bare_job (queue, name, params) VALUES ('bench', 'noop', '{}')"
CLAIM: Final = """
UPDATE bare_job SET status = 'running' WHERE id IN (
    SELECT id FROM bare_job WHERE status = 'pending' AND queue = 'bench' ORDER BY id LIMIT ?
) RETURNING id, name, params
"""
FINISH: Final = "UPDATE bare_job SET status = 'done' WHERE id = ? AND status = 'running'"


def connect() -> sqlite3.Connection:
    """A connection on which every statement is a transaction."""
    path = os.environ["BENCH_DSN"].removeprefix("sqlite:///")
    connection = sqlite3.connect(path, timeout=20, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=WAL;" + os.environ.get("BENCH_PRAGMA", ""))
    return connection


def prepare() -> None:
    """Make the table."""
    connect().executescript(SCHEMA)


def enqueue(count: int) -> dict[str, Any]:
    """One INSERT and commit after the other."""
    connection = connect()
    began = time.perf_counter()
    for _ in range(count):
        connection.execute(INSERT)
    return {"seconds": time.perf_counter() - began, "count": count}


def seed(count: int) -> dict[str, Any]:
    """A thousand rows per transaction."""
    connection = connect()
    for start in range(0, count, CHUNK):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(min(CHUNK, count - start)):
            connection.execute(INSERT)
        connection.execute("COMMIT")
    return {"count": count}


def work(_slot: int) -> None:
    """Claim and finish until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    executions()
    connection = connect()
    while True:
        rows = connection.execute(CLAIM, [BATCH]).fetchall()
        for _row in rows:
            count_execution()
        if not rows:
            time.sleep(IDLE)
            continue
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(FINISH, [row[:1] for row in rows])
        connection.execute("COMMIT")


def main() -> None:
    """Run one command of the contract."""
    command, numbers = sys.argv[1], [int(argument) for argument in sys.argv[2:]]
    print(json.dumps(globals()[command](*numbers)))


if __name__ == "__main__":
    main()
