"""Checks that ask the database server itself: ``manage.py check --database default``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections, router

from django_jobs import conf
from django_jobs.models import Job
from django_jobs.stores.poolers import is_direct

#: A winter and a summer: a zone with daylight saving time may be at UTC in one of them only.
_OFFSETS: Final = (
    "SELECT CONVERT_TZ('2001-01-01', @@session.time_zone, '+00:00') <> '2001-01-01' "
    "OR CONVERT_TZ('2001-07-01', @@session.time_zone, '+00:00') <> '2001-07-01'"
)
_VARIABLES: Final = (
    "SHOW SESSION VARIABLES WHERE variable_name IN "
    "('tx_isolation', 'transaction_isolation', 'max_allowed_packet')"
)
_ENGINES: Final = (
    "SELECT table_name, engine FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND engine <> 'InnoDB'"
)


@register(Tags.database)
def check_mysql(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """E011: tables without transactions. E012: times that are not UTC.

    W011: an isolation that locks gaps. W012: statements may be too short for the arguments.
    """
    alias = router.db_for_write(Job)
    if alias not in (databases or ()) or alias not in connections:
        return []
    if connections[alias].vendor != "mysql":
        return []
    return list(_mysql_problems(alias, connections[alias]))


@register(Tags.database)
def check_pooler(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W013: a pooler stands before PostgreSQL, and the settings are those for none."""
    alias = router.db_for_write(Job)
    if alias not in (databases or ()) or alias not in connections:
        return []
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return []
    missing = []
    if conf.read().values["NOTIFY"]:
        missing.append('DJANGO_JOBS["NOTIFY"] to False')
    if not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        missing.append(f'DATABASES["{alias}"]["DISABLE_SERVER_SIDE_CURSORS"] to True')
    if not missing or is_direct(connection):
        return []
    return [
        CheckWarning(
            f'DATABASES["{alias}"]: a pooler stands before PostgreSQL, through which no wake-up '
            "hints come and no server-side cursor outlives a transaction.",
            hint=f"Set {' and '.join(missing)}, or silence this check if it pools by session.",
            id="django_jobs.W013",
        )
    ]


def _mysql_problems(alias: str, connection: Any) -> Iterator[CheckMessage]:
    ours = {model._meta.db_table for model in apps.get_app_config("django_jobs").get_models()}
    with connection.cursor() as cursor:
        cursor.execute(_ENGINES)
        without = sorted(table for table, _ in cursor.fetchall() if table in ours)
        cursor.execute(_OFFSETS)
        ((is_elsewhere,),) = cursor.fetchall()
        cursor.execute(_VARIABLES)
        variables = dict(cursor.fetchall())
    if without:
        yield Error(
            f'DATABASES["{alias}"]: {", ".join(without)}: the engine has no transactions.',
            hint="Set the server's default_storage_engine to InnoDB, and run “ALTER TABLE … "
            "ENGINE=InnoDB” for each of these tables.",
            id="django_jobs.E011",
        )
    if is_elsewhere:
        yield Error(
            f'DATABASES["{alias}"]: the times of this database are not UTC, but Django\'s are.',
            hint='Set OPTIONS["init_command"] = "SET time_zone = \'+00:00\'".',
            id="django_jobs.E012",
        )
    yield from _doubtful_variables(alias, variables)


def _doubtful_variables(alias: str, variables: dict[str, str]) -> Iterator[CheckMessage]:
    isolation = variables.get("transaction_isolation") or variables.get("tx_isolation")
    if isolation != "READ-COMMITTED":
        yield CheckWarning(
            f'DATABASES["{alias}"]: transactions are {isolation}: workers lock rows that they do '
            "not take, and wait for each other.",
            hint='Set OPTIONS["isolation_level"] = "read committed", which is Django\'s default.',
            id="django_jobs.W011",
        )
    # Escaped, text may take twice its size.
    needed = 2 * conf.read().values["PAYLOAD_MAX_BYTES"]
    if int(variables["max_allowed_packet"]) < needed:
        yield CheckWarning(
            f'DATABASES["{alias}"]: max_allowed_packet is {variables["max_allowed_packet"]} bytes: '
            "too little for arguments of PAYLOAD_MAX_BYTES.",
            hint=f"Set max_allowed_packet of the server to {needed} or more.",
            id="django_jobs.W012",
        )
