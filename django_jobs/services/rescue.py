"""Take jobs from holders whose lease ran out, by the database's clock and never by age."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import router
from django.db.models.functions import Now

from django_jobs import rollups
from django_jobs.announcing import announce_rescue
from django_jobs.conf import config
from django_jobs.models import WorkerProcess
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
#: Leases after which a process that shows no heartbeat is forgotten; its jobs went much earlier.
SILENT_LEASES: Final = 10


def rescue_lost() -> int:
    """Rescue until no lease is overdue; return how many jobs were taken away."""
    total = 0
    while rescued := active_store().rescue(BATCH):
        _announce(rescued)
        total += len(rescued)
    if total:
        promote_due()
    return total


def forget_silent_processes() -> int:
    """Delete the rows of processes without a heartbeat for many leases; return how many."""
    long_ago = Now() - timedelta(seconds=config.LEASE * SILENT_LEASES)
    processes = WorkerProcess.objects.using(router.db_for_write(WorkerProcess))
    return processes.filter(last_heartbeat_at__lt=long_ago).delete()[0]


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
        logger.warning("Jobs taken from workers that were lost: %d", len(rescued))
    for job in rescued:
        announce_rescue(registry.find(job.job_name), job)
    rollups.write()
