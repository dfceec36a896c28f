"""Checks of the database that holds the jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from sqlite3 import sqlite_version_info
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, connections, router

from django_jobs import conf
from django_jobs.models import Job
from django_jobs.registry import registry

#: What to paste into DATABASES for SQLite.
SQLITE_OPTIONS: Final = (
    '"OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, '
    '"init_command": "PRAGMA journal_mode=WAL"}'
)

# The bug that loses commits when the WAL is reset, by first and first fixed version
# (sqlite.org, fixed in 3.51.3 and in two older branches).
_WAL_RESET_BUG: Final = (
    ((3, 7, 0), (3, 44, 6)),
    ((3, 45, 0), (3, 50, 7)),
    ((3, 51, 0), (3, 51, 3)),
)
_JOURNAL_MODE: Final = re.compile(r"journal_mode\s*=?\s*\(?\s*['\"]?(\w+)", re.IGNORECASE)


@register
def check_sqlite(**_: Any) -> list[CheckMessage]:
    """W003: transactions may deadlock. W004: no WAL. W005: this SQLite loses commits."""
    alias = _alias()
    database = connections[alias]
    if database.vendor != "sqlite":
        return []
    options = database.settings_dict.get("OPTIONS") or {}
    journal = _JOURNAL_MODE.search(str(options.get("init_command", "")))
    mode = journal[1].lower() if journal else ""
    in_memory = database.is_in_memory_db()  # type: ignore[attr-defined]
    messages: list[CheckMessage] = []
    if str(options.get("transaction_mode", "")).upper() not in {"IMMEDIATE", "EXCLUSIVE"}:
        messages.append(_transactions_warning(alias))
    if not mode and not in_memory:
        messages.append(_wal_warning(alias))
    several = conf.read().values["PROCESSES"] > 1
    if several and mode == "wal" and loses_commits(sqlite_version_info):
        messages.append(_version_warning(alias))
    return messages


@register(Tags.database)
def check_database_version(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """E005: the database server is too old, or of a kind that is not supported."""
    alias = _alias()
    if alias not in (databases or ()):
        return []
    name, version, needed = _server(connections[alias])
    if needed and version >= needed:
        return []
    found = f"{name} {'.'.join(map(str, version))}".strip()
    return [
        Error(
            f'DATABASES["{alias}"]: {found} cannot keep jobs.',
            hint="Use PostgreSQL 15, MariaDB 10.6, MySQL 8.0.1, SQLite 3.37, or later.",
            id="django_jobs.E005",
        )
    ]


@register
def check_pool(**_: Any) -> list[CheckMessage]:
    """W006: the connection pool is smaller than the number of jobs that run at once."""
    alias = _alias()
    options = connections[alias].settings_dict.get("OPTIONS") or {}
    pool = options.get("pool")
    if not pool:
        return []
    given = pool if isinstance(pool, dict) else {}
    size = given.get("max_size") or given.get("min_size", 4)  # as psycopg_pool counts
    values = conf.read().values
    queues = values["QUEUES"] or dict.fromkeys(
        {"default", *registry.queues()}, values["CONCURRENCY"]
    )
    slots = sum(queues.values())
    if size > slots:
        return []
    return [
        CheckWarning(
            f'DATABASES["{alias}"]: the pool has {size} connections for {slots} jobs at once.',
            hint=f'Set OPTIONS["pool"] = {{"max_size": {slots + 4}}} or lower CONCURRENCY.',
            id="django_jobs.W006",
        )
    ]


def loses_commits(version: tuple[int, ...]) -> bool:
    """Say whether SQLite ``version`` may lose commits of several processes in WAL mode."""
    return any(first <= version < fixed for first, fixed in _WAL_RESET_BUG)


def _alias() -> str:
    """The database that jobs are written to; another check tells that there is none."""
    alias = router.db_for_write(Job)
    return alias if alias in connections else DEFAULT_DB_ALIAS


def _server(database: Any) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Return name, version, and the oldest usable version (empty: none is) of the server."""
    if database.vendor == "sqlite":
        return "SQLite", sqlite_version_info, (3, 37)
    if database.vendor == "postgresql":
        return "PostgreSQL", divmod(database.pg_version, 10_000), (15,)
    if database.vendor == "mysql":
        if database.mysql_is_mariadb:
            return "MariaDB", database.mysql_version, (10, 6)
        return "MySQL", database.mysql_version, (8, 0, 1)
    return str(database.vendor), (), ()


def _transactions_warning(alias: str) -> CheckMessage:
    return CheckWarning(
        f'DATABASES["{alias}"]: SQLite transactions begin without the write lock, so concurrent '
        "workers fail with “database is locked”.",
        hint=f"Set {SQLITE_OPTIONS}.",
        id="django_jobs.W003",
    )


def _wal_warning(alias: str) -> CheckMessage:
    return CheckWarning(
        f'DATABASES["{alias}"]: no journal_mode is set; without WAL a write blocks all readers.',
        hint=f"Set {SQLITE_OPTIONS}.",
        id="django_jobs.W004",
    )


def _version_warning(alias: str) -> CheckMessage:
    version = ".".join(map(str, sqlite_version_info))
    return CheckWarning(
        f'DATABASES["{alias}"]: SQLite {version} may lose commits when several processes write '
        "in WAL mode (the WAL-reset bug).",
        hint="Upgrade SQLite to 3.51.3 (or 3.50.7, 3.44.6), keep PROCESSES at 1, or set "
        '"init_command": "PRAGMA journal_mode=DELETE".',
        id="django_jobs.W005",
    )
