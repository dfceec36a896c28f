"""Wake-up hints: after commit, PostgreSQL tells idle workers that there is something to claim.

Only a hint, a constant payload, and never inside the caller's transaction, where NOTIFY would
make commits queue up behind one lock. A worker that misses it finds the job at its next poll.
"""

from __future__ import annotations

import logging
from typing import Final

from django.db import Error, connections, transaction

CHANNEL: Final = "django_jobs"
logger = logging.getLogger("django_jobs")


def announce_on_commit(alias: str) -> None:
    """Send one hint when the caller's transaction commits, however many jobs it enqueues."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return
    if any(call is _announcers.get(alias) for _, call, *_ in connection.run_on_commit):
        return
    transaction.on_commit(_announcer(alias), using=alias, robust=True)


class _Announcer:
    """One object per alias, so that a transaction recognises that it has it already."""

    def __init__(self, alias: str) -> None:
        self.alias = alias

    def __call__(self) -> None:
        try:
            with connections[self.alias].cursor() as cursor:
                # Without parameters and without a plan: half the time of SELECT pg_notify().
                cursor.execute(f"NOTIFY {CHANNEL}")
        except Error:
            logger.warning("The wake-up hint could not be sent; workers will poll.", exc_info=True)


_announcers: dict[str, _Announcer] = {}


def _announcer(alias: str) -> _Announcer:
    return _announcers.setdefault(alias, _Announcer(alias))
