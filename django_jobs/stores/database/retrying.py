"""Transactions that the database gave up for the sake of others are tried again."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import Error, connections

from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.stores.database.moves import database
from django_jobs.stores.outages import is_conflict

logger = logging.getLogger("django_jobs")

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

TRIES: Final = 5
#: Seconds after which a failure is the caller's to know: by default MariaDB waits 50 for a lock.
PATIENCE: Final = 60.0
#: Seconds before the first retry, doubled for each further one, and jittered.
PAUSE: Final = 0.01


def retried(verb: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a verb, which is one transaction, again when that was undone in favour of another one.

    Inside a transaction of the caller it runs once: all of that is undone, and only the caller
    can begin it again.
    """

    @wraps(verb)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if connections[database()].in_atomic_block:
            return verb(*args, **kwargs)
        begun_at = time.monotonic()
        for pause in _pauses():
            try:
                return verb(*args, **kwargs)
            except (Error, EnqueueUnavailable) as error:
                if not _is_conflict(error) or time.monotonic() - begun_at > PATIENCE:
                    raise
                logger.info("%s was undone in favour of others; it runs again.", verb.__name__)
            time.sleep(pause)
        return verb(*args, **kwargs)

    return run


def _is_conflict(error: BaseException) -> bool:
    # A producer's verb has explained the error of the database.
    return is_conflict(error) or (error.__cause__ is not None and is_conflict(error.__cause__))


def _pauses() -> Iterator[float]:
    for number in range(TRIES - 1):
        yield PAUSE * 2**number * random.uniform(0.5, 1.5)
