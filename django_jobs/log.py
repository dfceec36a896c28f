"""Logging is a subscriber: what the signals tell goes to the logger ``django_jobs``."""

from __future__ import annotations

import logging
from typing import Any, Final

from django_jobs import signals

logger: Final = logging.getLogger("django_jobs")


def _started(*, job_name: str, job_id: Any, attempt: int, **_: Any) -> None:
    logger.debug("%s started (attempt %d)", job_name, attempt, extra={"job_id": str(job_id)})


def _completed(*, job_name: str, job_id: Any, duration: float | None, **_: Any) -> None:
    logger.info("%s completed in %.3f s", job_name, duration or 0.0, extra={"job_id": str(job_id)})


def _retrying(*, job_name: str, job_id: Any, attempt: int, delay: float, **details: Any) -> None:
    logger.warning(
        "%s failed at attempt %d and runs again in %.1f s: %s",
        job_name,
        attempt,
        delay,
        details.get("reason", ""),
        extra={"job_id": str(job_id)},
    )


def _failed(*, job_name: str, job_id: Any, attempt: int, reason: str, **details: Any) -> None:
    # The traceback as it was stored, cut to size, not the exception with all it holds.
    logger.error(
        "%s gave up after attempt %d: %s\n%s",
        job_name,
        attempt,
        reason,
        details.get("error", ""),
        extra={"job_id": str(job_id)},
    )


def _rescued(*, job_name: str, job_id: Any, status: str, crash_count: int, **_: Any) -> None:
    logger.info(
        "%s lost its worker (%d times so far) and is now %s",
        job_name,
        crash_count,
        status,
        extra={"job_id": str(job_id)},
    )


for _signal, _receiver in (
    (signals.job_started, _started),
    (signals.job_completed, _completed),
    (signals.job_retrying, _retrying),
    (signals.job_failed, _failed),
    (signals.job_rescued, _rescued),
):
    _signal.connect(_receiver, dispatch_uid=f"django_jobs.log.{_receiver.__name__}")
