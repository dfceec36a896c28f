"""Record jobs that ran past their hard deadline and can't be interrupted."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django_jobs import rollups
from django_jobs.announcing import announce_outcome
from django_jobs.conf import config
from django_jobs.decision import decide
from django_jobs.exceptions import JobTimeout
from django_jobs.options import JobOptions
from django_jobs.registry import registry
from django_jobs.stores import active_store
from django_jobs.stores.records import Finish

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.outcome import Outcome
    from django_jobs.stores.records import ClaimedJob


def fail_stuck(process: UUID, ids: Collection[UUID], actor: str) -> set[UUID]:
    """End these jobs as timeouts, as far as the process still holds them.

    The lease fences it: of this and the job's own end, should that come after all, the first is
    accepted, and the other one is dropped.

    Args:
        process: the worker process that runs them.
        ids: the stuck jobs.
        actor: who writes it.

    Returns:
        Those that could not be written because a transaction has locked them.
    """
    store = active_store()
    held = store.claimed_by(process, ids)
    if held:
        finishes = [Finish(job, _outcome(job), actor) for job in held]
        for finish, written in zip(finishes, store.finish(finishes), strict=True):
            if written is not None:
                _announce(finish.job, written)
    rollups.write()
    return {lease.job_id for lease in store.held_by(process)} & set(ids)


def _outcome(job: ClaimedJob) -> Outcome:
    definition = registry.find(job.job_name)
    options = JobOptions() if definition is None else definition.options
    limit = job.timeout or 0.0
    raised = JobTimeout(
        f"The job ran longer than its timeout of {limit:g} seconds, and on for "
        f"{config.KILL_GRACE:g} more: its thread could not be interrupted, so its worker process "
        "is replaced."
    )
    return decide(job, options, raised)


def _announce(job: ClaimedJob, outcome: Outcome) -> None:
    duration = (job.timeout or 0.0) + config.KILL_GRACE
    announce_outcome(registry.find(job.job_name), job, outcome, duration)
