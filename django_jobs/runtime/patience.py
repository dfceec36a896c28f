"""Waiting for a database that is away: longer from try to try, out of step, and for ever."""

from __future__ import annotations

import logging
import random
import time
from typing import Final

from django_jobs.conf import config
from django_jobs.runtime.connections import lose_connections
from django_jobs.validation import describe_database_error

logger = logging.getLogger("django_jobs")

#: Seconds of the first pause: it may have been a single connection that broke.
FIRST_PAUSE: Final = 0.2
#: Seconds of the longest one; with a short lease, this share of it.
LONGEST_PAUSE: Final = 10.0
SHARE_OF_LEASE: Final = 6


class Patience:
    """That of one loop.

    Args:
        what: begins the lines in the log, such as ``Claiming``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._tries = 0
        self._since = 0.0
        self._until = 0.0

    @property
    def is_tried(self) -> bool:
        """Whether the last try failed."""
        return self._tries > 0

    @property
    def seconds_left(self) -> float:
        """Seconds until the next try makes sense."""
        return max(self._until - time.monotonic(), 0.0)

    @property
    def seconds_spent(self) -> float:
        """Seconds since the first of the tries that failed."""
        return time.monotonic() - self._since if self._tries else 0.0

    def failed(self, error: BaseException) -> float:
        """Note a failure, drop what is left of the connection, and return the pause in seconds."""
        now = time.monotonic()
        if not self._tries:
            self._since = now
        self._tries += 1
        pause = pause_after(self._tries)
        self._until = now + pause
        text = describe_database_error(error)
        logger.warning("%s failed, next try in %.1f s: %s", self._what, pause, text)
        lose_connections(error)
        return pause

    def worked(self) -> None:
        """It works, perhaps again."""
        if self._tries:
            logger.warning("%s works again after %.1f s", self._what, self.seconds_spent)
            self.forget()

    def forget(self) -> None:
        """There is nothing to try any more."""
        self._tries = 0
        self._until = 0.0


def pause_after(tries: int) -> float:
    """Seconds to wait after so many failures; half of it is random, so that a herd disperses."""
    longest = min(LONGEST_PAUSE, config.LEASE / SHARE_OF_LEASE)
    full: float = min(FIRST_PAUSE * 2.0 ** min(tries - 1, 30), longest)
    return full * random.uniform(0.5, 1.0)
