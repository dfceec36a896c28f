"""The built-in jobs."""

from __future__ import annotations

from typing import Final

from django_jobs.conf import config
from django_jobs.decorator import job
from django_jobs.exceptions import Snooze
from django_jobs.names import CLEANUP
from django_jobs.priority import Priority
from django_jobs.schedules import cron

#: Seconds until the next run of a cleanup that did not get through.
NEXT_ROUND: Final = 60.0


def _every(seconds: float) -> str:
    """A cron expression for an interval of whole hours or minutes that divide a day or an hour."""
    minutes = max(round(seconds / 60), 1)
    if minutes < 60:
        return f"*/{minutes} * * * *"
    hours = min(round(minutes / 60), 24)
    return "H 0 * * *" if hours == 24 else f"H */{hours} * * *"


@cron(_every(config.CLEANUP_INTERVAL), name=CLEANUP, overlap="skip", builtin=True)
@job(name=CLEANUP, priority=Priority.LOW, max_attempts=1)
def cleanup() -> dict[str, int]:
    """Delete old finished jobs; comes back every minute until nothing is left to delete."""
    # Web processes import this module too, and have no use for the services.
    from django_jobs.services.cleanup import clean_up

    result = clean_up(max_batches=config.CLEANUP_MAX_BATCHES)
    if not result.complete and not result.skipped:
        raise Snooze(NEXT_ROUND, reason=f"{result.total_jobs} jobs deleted, more to come")
    return result.jobs
