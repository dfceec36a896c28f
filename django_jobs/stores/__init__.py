"""Stores keep jobs. ``active_store()`` is the one to use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from django.core.signals import setting_changed
from django.db import connections, router
from django.utils.module_loading import import_string

from django_jobs.conf import config

if TYPE_CHECKING:
    from django_jobs.stores.base import Store

PORTABLE: Final = "django_jobs.stores.database.DatabaseStore"
#: The stores that know one kind of database, by Django's name for it.
SPECIAL: Final = {
    "postgresql": "django_jobs.stores.postgres.PostgresStore",
    "mysql": "django_jobs.stores.mysql.MysqlStore",
}


@cache
def active_store() -> Store:
    """The store that ``DJANGO_JOBS["STORE"]`` names, or the fastest one for the database."""
    store: Store = import_string(config.STORE or _fastest())()
    return store


def _fastest() -> str:
    from django_jobs.models import Job  # not before the app registry is ready

    vendor = connections[router.db_for_write(Job)].vendor
    return SPECIAL.get(vendor, PORTABLE)


def _forget(*, setting: str, **_: Any) -> None:
    if setting in {"DJANGO_JOBS", "DATABASES", "DATABASE_ROUTERS"}:
        active_store.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_jobs.stores")
