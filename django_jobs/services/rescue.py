"""Take jobs from holders whose lease ran out, by the database's clock and never by age."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django_jobs.announcing import announce_rescue
from django_jobs.registry import registry
from django_jobs.services.promote import promote_due
from django_jobs.stores import active_store

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from django_jobs.stores.records import Rescued

logger = logging.getLogger("django_jobs")

#: Rows per transaction.
BATCH: Final = 500


def rescue_lost() -> int:
    """Rescue until no lease is overdue; return how many jobs were taken away."""
    total = 0
    while rescued := active_store().rescue(BATCH):
        _announce(rescued)
        total += len(rescued)
    if total:
        promote_due()
    return total


def rescue_dead_process(process: UUID, running: Collection[UUID]) -> int:
    """Take every job from a process that is known to be dead, without waiting for its leases.

    Args:
        process: its id.
        running: the jobs whose bodies ran when it died; only these may have killed it.
    """
    rescued = active_store().rescue_process(process, running)
    _announce(rescued)
    if rescued:
        promote_due()
    return len(rescued)


def _announce(rescued: Collection[Rescued]) -> None:
    if rescued:
        logger.warning("%d jobs were taken from a worker that was lost", len(rescued))
    for job in rescued:
        announce_rescue(registry.find(job.job_name), job)
