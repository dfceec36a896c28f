"""What becomes of jobs, told to the logger ``django_jobs``; ``job_id`` is in each record.

Called for every job: a level that is switched off costs next to nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

logger: Final = logging.getLogger("django_jobs")


def started(job_name: str, job_id: UUID, attempt: int) -> None:
    """At DEBUG: an attempt begins."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s started (attempt %d)", job_name, attempt, extra=_of(job_id))


def completed(job_name: str, job_id: UUID, duration: float) -> None:
    """At INFO: it ended well."""
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s completed in %.3f s", job_name, duration, extra=_of(job_id))


def retrying(job_name: str, job_id: UUID, attempt: int, delay: float, reason: str) -> None:
    """At WARNING: it failed and has attempts left."""
    message = "%s failed at attempt %d and runs again in %.1f s: %s"
    logger.warning(message, job_name, attempt, delay, reason, extra=_of(job_id))


def failed(job_name: str, job_id: UUID, attempt: int, reason: str, error: str) -> None:
    """At ERROR: it gave up. With the traceback as it was stored, cut to size."""
    message = "%s gave up after attempt %d: %s\n%s"
    logger.error(message, job_name, attempt, reason, error, extra=_of(job_id))


def rescued(job_name: str, job_id: UUID, status: str, crash_count: int) -> None:
    """At INFO: its worker was lost."""
    message = "%s lost its worker (%d times so far) and is now %s"
    logger.info(message, job_name, crash_count, status, extra=_of(job_id))


def _of(job_id: UUID) -> dict[str, str]:
    return {"job_id": str(job_id)}
