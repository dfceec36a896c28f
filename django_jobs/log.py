"""What becomes of jobs, told to the logger ``django_jobs``; ``job_id`` is in each record.

Called for every job: a level that is switched off costs next to nothing.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from uuid import UUID

logger: Final = logging.getLogger("django_jobs")


def started(job_name: str, job_id: UUID, attempt: int) -> None:
    """At DEBUG: an attempt begins."""
    _tell(logging.DEBUG, job_id, "%s started (attempt %d)", job_name, attempt)


def completed(job_name: str, job_id: UUID, duration: float) -> None:
    """At INFO: it ended well."""
    _tell(logging.INFO, job_id, "%s completed in %.3f s", job_name, duration)


def retrying(job_name: str, job_id: UUID, attempt: int, delay: float, reason: str) -> None:
    """At WARNING: it failed and has attempts left."""
    message = "%s failed at attempt %d and runs again in %.1f s: %s"
    _tell(logging.WARNING, job_id, message, job_name, attempt, delay, _line(reason))


def failed(job_name: str, job_id: UUID, attempt: int, reason: str, error: str) -> None:
    """At ERROR: it gave up. With the traceback as it was stored, cut to size."""
    message = "%s gave up after attempt %d: %s\n  %s"
    _tell(logging.ERROR, job_id, message, job_name, attempt, _line(reason), _lines(error))


def rescued(job_name: str, job_id: UUID, status: str, crash_count: int) -> None:
    """At INFO: its worker was lost."""
    message = "%s lost its worker (%d times so far) and is now %s"
    _tell(logging.INFO, job_id, message, job_name, crash_count, status)


def _line(text: str) -> str:
    """What a job says must not look like a line of its own, nor talk to a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _lines(text: str) -> str:
    """The same for a traceback: its further lines are indented, as no record begins."""
    return "\n  ".join(_line(line.replace("\t", "    ")) for line in text.split("\n"))


def _tell(level: int, job_id: UUID, message: str, *arguments: Any) -> None:
    if not logger.isEnabledFor(level):
        return
    try:
        logger.log(level, message, *arguments, extra={"job_id": str(job_id)})
    except Exception:
        # A site's own record factory, filter or formatter: no reason to stop working.
        with suppress(Exception):
            logger.exception("What became of a job could not be logged")
