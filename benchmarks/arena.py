"""The servers, and fresh databases on them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.contestants import Contestant
from benchmarks.servers import DurablePostgres, Redis
from benchmarks.stage import Stage


class PostgresStage(Stage):
    """A stage with a database on the arena's server."""

    def __init__(self, arena: Arena, contestant: Contestant, database: str, folder: Path) -> None:
        dsn = arena.postgres.dsn(database, tcp="tcp" in contestant.needs)
        redis = arena.redis.url if arena.redis else ""
        super().__init__(contestant, dsn, folder, redis)
        self.database = database
        self._arena = arena
        self.connection = psycopg.connect(arena.postgres.dsn(database), autocommit=True)

    def ask(self, question: str) -> Any:
        row = self.connection.execute(question.encode()).fetchone()
        return row[0] if row else None

    def execute(self, statement: str) -> None:
        """Run a statement that answers nothing."""
        self.connection.execute(statement.encode())

    def settle(self) -> None:
        self.connection.execute("VACUUM ANALYZE")
        self.connection.execute("CHECKPOINT")

    def servers(self) -> list[psutil.Process]:
        redis = self._arena.redis.processes() if self._arena.redis else []
        return self._arena.postgres.processes() + redis


class Arena:
    """The servers, and a template database for every program that was prepared once."""

    def __init__(self, postgres: DurablePostgres, redis: Redis | None) -> None:
        self.postgres = postgres
        self.redis = redis
        self.began = time.monotonic()
        self._templates: set[str] = set()
        self._runs = 0

    @contextmanager
    def stage(self, contestant: Contestant, template: str = "") -> Iterator[PostgresStage]:
        """A stage with a copy of the contestant's prepared database.

        ``template``: the name of another one that :meth:`keep` made.
        """
        template = template or self._prepared(contestant)
        self._runs += 1
        database = f"bench_{self._runs}"
        self._execute(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            with self._open(contestant, database) as stage:
                yield stage
        finally:
            self.forget(database)

    @contextmanager
    def keep(self, contestant: Contestant, name: str) -> Iterator[PostgresStage]:
        """A stage whose database, as the block leaves it, becomes the template ``name``."""
        self.forget(name)
        self._execute(f"CREATE DATABASE {name} TEMPLATE {self._prepared(contestant)}")
        with self._open(contestant, name) as stage:
            yield stage

    def forget(self, name: str) -> None:
        """Drop a database."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @contextmanager
    def _open(self, contestant: Contestant, database: str) -> Iterator[PostgresStage]:
        if self.redis and "redis" in contestant.needs:
            self.redis.flush()
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            stage = PostgresStage(self, contestant, database, Path(folder))
            try:
                yield stage
            finally:
                stage.connection.close()

    def _prepared(self, contestant: Contestant) -> str:
        name = f"prepared_{contestant.key}"
        if name not in self._templates:
            self.forget(name)
            self._execute(f"CREATE DATABASE {name}")
            with self._open(contestant, name) as stage:
                stage.call("prepare", timeout=600)
            self._templates.add(name)
        return name

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.postgres.dsn("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())
