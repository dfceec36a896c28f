"""Checks of where the jobs' tables are: one database, and migrated."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from django.apps import apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections, router
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from django_jobs.models import Job

APP: Final = "django_jobs"

_HINT: Final = (
    'Let the database router give one existing alias for the app label "django_jobs", for reading, '
    "writing and migrating alike."
)


@register
def check_routing(**_: Any) -> list[CheckMessage]:
    """E006: jobs are not all written to, and read from, one database that exists."""
    models = apps.get_app_config(APP).get_models()
    # The first one is enough: one router sends them all.
    for text in _misroutings([Job, *models]):
        return [Error(f"{text}.", hint=_HINT, id="django_jobs.E006")]
    return []


def _misroutings(models: Sequence[Any]) -> Iterator[str]:
    home = router.db_for_write(Job)
    if home not in connections:
        yield f"Jobs are written to the database {home!r}, which is not in DATABASES"
        return
    for model in models:
        written, read = router.db_for_write(model), router.db_for_read(model)
        name = model.__name__
        if written != home:
            yield f"{name} is written to {written!r}, but Job to {home!r}: no transaction has both"
        elif read != home:
            # A replica is behind: what was just claimed would look as if it still waited.
            yield f"{name} is read from {read!r}, but written to {home!r}"
        elif not router.allow_migrate_model(home, model):
            yield f"{name} is written to {home!r}, where the router lets nothing be migrated"


@register(Tags.database)
def check_migrations(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W008: the tables are not up to date.

    No error: deployments run commands before they migrate. ``manage.py migrate`` itself runs the
    checks first, and is not told what it is about to do.
    """
    if sys.argv[1:2] == ["migrate"]:
        return []
    alias = router.db_for_write(Job)
    if alias not in (databases or ()) or alias not in connections:
        return []
    missing = missing_migrations(alias)
    if not missing:
        return []
    return [
        CheckWarning(
            f'DATABASES["{alias}"]: migrations of django_jobs are not applied: '
            f"{', '.join(missing)}.",
            hint="Run “manage.py migrate django_jobs”.",
            id="django_jobs.W008",
        )
    ]


def missing_migrations(alias: str) -> list[str]:
    """The migrations of this package that the database lacks.

    One query and a look into a folder: Django's own loader reads the migrations of every app, and
    from Django 6.1 on this check precedes each command.
    """
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    done = {name for app, name in applied if app == APP}
    # A squashed migration is recorded with all that it replaces once those were applied.
    return sorted(name for name in _known() if name not in done and not _replaced(name) <= done)


def _known() -> list[str]:
    folder, _ = MigrationLoader.migrations_module(APP)
    if folder is None:  # the site switched them off
        return []
    paths = import_module(folder).__path__
    return [name for _, name, is_package in iter_modules(paths) if not is_package]


def _replaced(name: str) -> frozenset[str]:
    """What a squashed migration stands for; the others stand for themselves."""
    module = import_module(f"{MigrationLoader.migrations_module(APP)[0]}.{name}")
    return frozenset(one for _, one in module.Migration.replaces) or frozenset({name})
