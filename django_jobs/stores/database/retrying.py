"""Transactions that the database gave up for the sake of others are tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

from django.db import Error, connections

from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.stores.database.moves import database

logger = logging.getLogger("django_jobs")

Store = TypeVar("Store")
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: MariaDB and MySQL: a deadlock, a lock that was not got in time.
MYSQL_CODES: Final = frozenset({1213, 1205})
#: PostgreSQL: a deadlock, a transaction that could not be serialised.
SQLSTATES: Final = frozenset({"40P01", "40001"})

TRIES: Final = 5
#: Seconds after which a failure is the caller's to know: by default MariaDB waits 50 for a lock.
PATIENCE: Final = 60.0
#: Seconds before the first retry, doubled for each further one, and jittered.
PAUSE: Final = 0.01


def retried(
    verb: Callable[Concatenate[Store, Parameters], Result],
) -> Callable[Concatenate[Store, Parameters], Result]:
    """Run a verb again when its transaction was undone in favour of another one.

    Inside a transaction of the caller it runs once: all of that is undone, and only the caller
    can begin it again.
    """

    @wraps(verb)
    def run(self: Store, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if connections[database()].in_atomic_block:
            return verb(self, *args, **kwargs)
        begun_at = time.monotonic()
        for pause in _pauses():
            try:
                return verb(self, *args, **kwargs)
            except (Error, EnqueueUnavailable) as error:
                if not gave_way(error) or time.monotonic() - begun_at > PATIENCE:
                    raise
                logger.info("%s was undone in favour of others; it runs again.", verb.__name__)
            time.sleep(pause)
        return verb(self, *args, **kwargs)

    return run


def gave_way(error: BaseException) -> bool:
    """Whether a transaction failed only because of what others did at the same time."""
    cause: BaseException | None = error
    while cause is not None:
        code: object = cause.args[0] if cause.args else None
        if isinstance(code, int) and code in MYSQL_CODES:
            return True
        if getattr(cause, "sqlstate", None) in SQLSTATES:
            return True
        cause = cause.__cause__
    return False


def _pauses() -> Iterator[float]:
    for number in range(TRIES - 1):
        yield PAUSE * 2**number * random.uniform(0.5, 1.5)
