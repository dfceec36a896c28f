"""Units of work of the worker's own on the jobs' database: none of them waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connections

from django_jobs.conf import config
from django_jobs.runtime.watchdog import watched
from django_jobs.stores.database.moves import database
from django_jobs.stores.limits import limited

#: The client waits longer than the server works, so that mostly the server says what happened.
SLACK: Final = 1.2


@contextmanager
def unit_of_work(longest: float | None = None) -> Iterator[None]:
    """Limit what this thread asks the database in the block: at the server and at the client.

    Never around a job.

    Args:
        longest: seconds that a statement may take, if less than the setting allows.
    """
    connection = connections[database()]
    seconds = config.control_timeout
    if longest is not None:
        seconds = max(min(seconds, longest / SLACK), 0.01)
    with (
        watched(connection, seconds * SLACK) as watch,
        limited(connection, seconds, watch.begin),
    ):
        yield
