"""What plugins may observe. Sent after commit; a receiver can't change an outcome.

Each job signal carries ``sender`` (the :class:`~django_jobs.definitions.JobDefinition`, or
``None`` when this process does not know the job), ``job_id``, ``job_name`` and ``queue``; more is
named below.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from django.dispatch import Signal

logger = logging.getLogger("django_jobs")

job_enqueued: Final = Signal()  # job
job_started: Final = Signal()  # attempt, correlation_id
job_progressed: Final = Signal()  # percent, message
job_completed: Final = Signal()  # attempt, duration, correlation_id
job_failed: Final = Signal()  # attempt, error, reason, exception: gave up, a dead letter
job_retrying: Final = Signal()  # attempt, error, reason, exception, delay: will be tried again
job_discarded: Final = Signal()  # reason
job_cancelled: Final = Signal()  # reason
job_rescued: Final = Signal()  # status, crash_count: its worker was lost
worker_started: Final = Signal()  # worker, pid
worker_stopped: Final = Signal()  # worker, pid


def emit(signal: Signal, sender: object, **details: Any) -> None:
    """Send ``signal`` to its receivers; log what they raise and go on."""
    if not signal.receivers:
        return
    for receiver, response in signal.send_robust(sender=sender, **details):
        if isinstance(response, Exception):
            logger.error(
                "A signal receiver failed: %r", receiver, exc_info=(type(response), response, None)
            )
