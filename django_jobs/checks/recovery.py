"""Checks of the enqueue buffer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections, router

from django_jobs import conf
from django_jobs.checks.routing import missing_migrations
from django_jobs.models import Job


@register
def check_recovery(**_: Any) -> list[CheckMessage]:
    """E007: the buffer is no database, the one that it stands in for, or has no tables."""
    reading = conf.read()
    alias = reading.values["RECOVERY_DB_ALIAS"]
    if alias is None:
        return []
    if alias not in connections:
        text = f"{alias!r} is not in DATABASES"
    elif alias == router.db_for_write(Job):
        text = f"{alias!r} is the database that holds the jobs"
    elif not router.allow_migrate_model(alias, Job):
        return [
            Error(
                f"RECOVERY_DB_ALIAS ({reading.sources['RECOVERY_DB_ALIAS']}): the router lets "
                f"nothing be migrated in {alias!r}, so that the buffer has no tables.",
                hint=f'Let allow_migrate() of the router say yes to "django_jobs" for {alias!r} as '
                f"well. {_remade(alias)}",
                id="django_jobs.E007",
            )
        ]
    else:
        return []
    return [
        Error(
            f"RECOVERY_DB_ALIAS ({reading.sources['RECOVERY_DB_ALIAS']}): {text}.",
            hint="Name another database: one that answers when the one with the jobs does not.",
            id="django_jobs.E007",
        )
    ]


def _remade(alias: str) -> str:
    """How tables come to be that the router forbade when their migrations were recorded."""
    return (
        "If the migrations were recorded before, run "
        f"“manage.py migrate django_jobs zero --fake --database {alias}”; then "
        f"“manage.py migrate django_jobs --database {alias}”."
    )


@register(Tags.database)
def check_recovery_migrations(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """W010: the tables of the buffer are not up to date."""
    alias = conf.read().values["RECOVERY_DB_ALIAS"]
    if sys.argv[1:2] == ["migrate"]:
        return []  # which mends it
    if alias is None or alias not in (databases or ()) or alias not in connections:
        return []
    missing = missing_migrations(alias)
    if not missing and Job._meta.db_table not in connections[alias].introspection.table_names():
        # Django records a migration also where the router keeps it from doing anything.
        return [
            CheckWarning(
                f'DATABASES["{alias}"], the enqueue buffer: there are no tables, although the '
                "migrations of django_jobs are recorded.",
                hint=_remade(alias),
                id="django_jobs.W010",
            )
        ]
    if not missing:
        return []
    return [
        CheckWarning(
            f'DATABASES["{alias}"], the enqueue buffer: migrations of django_jobs are not applied: '
            f"{', '.join(missing)}.",
            hint=f"Run “manage.py migrate django_jobs --database {alias}”.",
            id="django_jobs.W010",
        )
    ]
