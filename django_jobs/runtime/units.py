"""Units of work of the worker's own on the jobs' database: none of them waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from django.db import connections

from django_jobs.conf import config
from django_jobs.runtime.connections import spare_connections
from django_jobs.runtime.watchdog import watched
from django_jobs.stores.database.moves import database
from django_jobs.stores.limits import limited

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

#: The client waits longer than the server works, so that mostly the server says what happened.
SLACK: Final = 1.2


@contextmanager
def unit_of_service() -> Iterator[None]:
    """The same for a service, which may ask the database of the enqueue buffer as well."""
    buffer = config.RECOVERY_DB_ALIAS
    with ExitStack() as stack:
        stack.enter_context(unit_of_work())
        if buffer is not None and buffer != database():
            stack.enter_context(_bounded(connections[buffer], config.control_timeout))
        yield


@contextmanager
def unit_of_work(longest: float | None = None) -> Iterator[None]:
    """Limit what this thread asks the database in the block: at the server and at the client.

    Never around a job.

    Args:
        longest: seconds that a statement may take, if less than the setting allows.
    """
    seconds = config.control_timeout
    if longest is not None:
        seconds = max(min(seconds, longest / SLACK), 0.01)
    try:
        with _bounded(connections[database()], seconds):
            yield
    finally:
        spare_connections()


@contextmanager
def _bounded(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    with (
        watched(connection, seconds * SLACK) as watch,
        limited(connection, seconds, watch),
    ):
        yield
