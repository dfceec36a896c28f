"""A worker may start before its database does, or while that one takes no writes."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import Error

from django_jobs.runtime.patience import Patience
from django_jobs.stores.outages import is_outage

Result = TypeVar("Result")


def when_possible(step: Callable[[], Result], *, waits: bool = True) -> Result:
    """Do something with the database as soon as it takes it, with a line in the log at each try.

    SIGTERM and Ctrl-C end the waiting, and the process, with exit code 0.

    Args:
        step: may be begun several times.
        waits: whether to wait at all.

    Raises:
        Error: what no waiting would mend, or anything if it shall not wait.
    """
    patience = Patience("The start")
    with _ending_at_once():
        while True:
            try:
                result = step()
            except Error as error:
                if not (waits and is_outage(error)):
                    raise
                time.sleep(patience.failed(error))
            else:
                patience.worked()
                return result


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """Nothing has begun yet that could be tidied."""
    before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(*_: object) -> None:
    sys.exit(0)
