"""Stores keep jobs. ``active_store()`` is the one that ``DJANGO_JOBS["STORE"]`` names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_jobs.conf import config

if TYPE_CHECKING:
    from django_jobs.stores.base import Store


@cache
def active_store() -> Store:
    """The configured store."""
    store: Store = import_string(config.STORE)()
    return store


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "DJANGO_JOBS":
        active_store.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_jobs.stores")
