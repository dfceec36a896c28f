"""The databases that are broken here: each its own, so that no other test suffers."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from django.db.utils import ConnectionHandler

from django_jobs.stores.database.moves import clock
from testproject.postgres import PostgresServer
from testproject.settings import env, prepare_mysql, prepare_sqlite
from tests.harness import guard

#: A place for effects inside of the database, which an exactly-once job writes to.
LEDGER = "CREATE TABLE faults_ledger (job_id varchar(40) NOT NULL, attempt integer NOT NULL)"
NAME = "faults"


class Cluster(PostgresServer):
    """A PostgreSQL server that may be stopped, killed and started again.

    Commits reach the file system at once, so a killed server loses none; only a dead machine
    would.
    """

    def __init__(self, data: Path | None = None, settings: tuple[str, ...] = ()) -> None:
        super().__init__(
            data, durable=True, settings=("fsync=off", "max_connections=500", *settings)
        )

    @property
    def socket(self) -> str:
        """The path of its unix socket."""
        return str(self.folder / ".s.PGSQL.5432")

    def url_of(self, name: str, port: int | None = None) -> str:
        """The URL of a database, through a TCP port on this machine if one is given."""
        if port is not None:
            return f"postgres://postgres@127.0.0.1:{port}/{name}"
        return f"postgres://postgres@/{name}?host={quote(str(self.folder))}"

    @contextmanager
    def serving(self) -> Iterator[Cluster]:
        """Serve a database for the block."""
        self.start()
        try:
            self.administer(f"CREATE DATABASE {NAME}")
            yield self
        finally:
            self.stop()

    def halt(self, mode: str = "immediate") -> None:
        """End the server; ``immediate`` is as good as a kill."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def resume(self) -> None:
        """Start it again."""
        self.start()

    @contextmanager
    def away(self, seconds: float) -> Iterator[None]:
        """Stop the server; it is back after at least ``seconds``."""
        self.halt()
        gone_at = time.monotonic()
        try:
            yield
            time.sleep(max(0.0, gone_at + seconds - time.monotonic()))
        finally:
            self.resume()

    def administer(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as the superuser, outside of the database under test."""
        with psycopg.connect(
            f"host={self.folder} user=postgres dbname=postgres", autocommit=True
        ) as raw:
            rows: list[tuple[object, ...]] = []
            for statement in statements:
                cursor = raw.execute(statement)
                rows = cursor.fetchall() if cursor.description else []
            return rows

    def terminate_others(self) -> int:
        """End every connection to the database under test but those of this process."""
        mine = connection.connection.info.backend_pid if connection.connection else 0
        rows = self.administer(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{NAME}' AND pid <> {mine}"
        )
        return len(rows)


@contextmanager
def using_database(url: str) -> Iterator[None]:
    """Let this process speak to another database of the same kind."""
    configured = env.db_url_config(url)
    if configured["ENGINE"].endswith("sqlite3"):
        prepare_sqlite(configured)
    elif configured["ENGINE"].endswith("mysql"):
        prepare_mysql(configured)
    before = connections.settings["default"]
    _switch(ConnectionHandler({"default": configured}).settings["default"])
    try:
        yield
    finally:
        _switch(before)


def _switch(configured: dict[str, object]) -> None:
    connections["default"].close()
    del connections["default"]
    connections.settings["default"] = configured
    clock.cache_clear()


def build_tables() -> None:
    """Make the tables, and let the database refuse illegal moves."""
    call_command("migrate", verbosity=0)
    guard.install()
    with connection.cursor() as cursor:
        cursor.execute(LEDGER)


def empty_tables() -> None:
    """Delete every job and what belongs to it."""
    tables = [
        table
        for table in connection.introspection.table_names()
        if table.startswith(("django_jobs_", "faults_"))
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            return
        cursor.execute("SET foreign_key_checks = 0")
        for table in tables:
            cursor.execute(f"TRUNCATE TABLE {table}")
        cursor.execute("SET foreign_key_checks = 1")


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder with little room, for root only."""
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    folder.chmod(0o755)  # the account of the server has to get in
    size = f"size={megabytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
