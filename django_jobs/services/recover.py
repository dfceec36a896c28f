"""Bring the jobs of the enqueue buffer to the database where they belong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import Error

from django_jobs.exceptions import DuplicateJob
from django_jobs.locks import cluster_lock
from django_jobs.producing import announce_enqueued
from django_jobs.states import Status
from django_jobs.stores import active_store, recovery
from django_jobs.stores.outages import is_bad_data
from django_jobs.validation import clean_text, describe_database_error

if TYPE_CHECKING:
    from django_jobs.models import Job

logger = logging.getLogger("django_jobs")

LOCK: Final = "jobs.recover"
#: Rows per transaction.
BATCH: Final = 500
_ERROR_LIMIT: Final = 500


@dataclass(slots=True)
class RecoveryResult:
    """What became of the jobs in the buffer.

    Attributes:
        enqueued: arrived, or were there already.
        discarded: can never arrive: a live job has the unique key, or the database refuses a value.
        expired: waited past their ``expires_at``.
        skipped: whether another recovery was running, so that this one did nothing.
    """

    enqueued: int = 0
    discarded: int = 0
    expired: int = 0
    skipped: bool = False


def recover_buffered() -> int:
    """Empty the buffer, if there is one; return how many jobs were enqueued."""
    return recover().enqueued if recovery.is_on() else 0


def recover() -> RecoveryResult:
    """Empty the buffer, oldest first.

    One at a time in the cluster, so that the order is kept. Nothing else depends on that: to bring
    a job twice is the same as once, and what was brought is marked afterwards.

    Raises:
        django.db.Error: one of the databases is out of reach; what is not marked stays.
    """
    result = RecoveryResult()
    if recovery.is_empty():
        return result
    # The lock is kept beside the jobs: to take it shows that their database is back.
    with cluster_lock(LOCK) as held:
        if not held:
            return RecoveryResult(skipped=True)
        while expired := recovery.expire(BATCH):
            result.expired += expired
        while batch := recovery.waiting(BATCH):
            _bring(batch, result)
    if result.enqueued or result.discarded:
        logger.warning(
            "%d jobs of the buffer were enqueued, %d discarded", result.enqueued, result.discarded
        )
    return result


def _bring(batch: Sequence[Job], result: RecoveryResult) -> None:
    try:
        arrived = active_store().adopt(batch)
    except (DuplicateJob, Error) as error:
        if not _is_final(error):
            raise
        if len(batch) == 1:
            _discard(batch, error)
            result.discarded += 1
            return
        for job in batch:
            _bring([job], result)
        return
    recovery.settle(batch, Status.ENQUEUED)
    result.enqueued += len(batch)
    announce_enqueued(arrived)


def _is_final(error: Exception) -> bool:
    return isinstance(error, DuplicateJob) or is_bad_data(error)


def _discard(batch: Sequence[Job], error: Exception) -> None:
    reason = "duplicate" if isinstance(error, DuplicateJob) else "rejected"
    # Without its details, in which PostgreSQL shows the row with all that the job was given.
    message = clean_text(describe_database_error(error), _ERROR_LIMIT)
    recovery.settle(batch, Status.DISCARDED, reason=reason, error=message)
    logger.error("Job %s of the buffer is discarded: %s", batch[0].id, message)
