"""Taking in jobs that the enqueue buffer has kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.db import IntegrityError

from django_jobs.conf import config
from django_jobs.models import Job
from django_jobs.states import Actor, Status
from django_jobs.stores import hints
from django_jobs.stores.database.enqueueing import Enqueueing
from django_jobs.stores.database.moves import Row, database, jobs, record, writing
from django_jobs.stores.database.newborn import SHARED

if TYPE_CHECKING:
    from uuid import UUID

_KEPT: Final = ("id", "params", "created_at", *SHARED)


class Adopting(Enqueueing):
    """The verb of the recoverer."""

    def adopt(self, buffered: Sequence[Job]) -> list[Job]:
        known = _known(buffered)
        new = [_reborn(job) for job in buffered if job.id not in known]
        if not new:
            return []
        try:
            with writing(savepoint=True):
                self._take_in(new)
        except IntegrityError:
            if len(_known(new)) == len(new):
                return []  # somebody else was faster
            self._explain_conflict([job.unique_key for job in new if job.unique_key is not None])
            raise
        return new

    def _take_in(self, new: Sequence[Job]) -> None:
        jobs().bulk_create(new)
        for status in {job.status for job in new}:
            born = [Row(job.id, "", 0, 0) for job in new if job.status == status]
            record(born, Status(status), actor=Actor.RECOVERER, reason="recovered")
        if config.NOTIFY:
            hints.announce_on_commit(database())


def _known(some: Sequence[Job]) -> set[UUID]:
    return set(jobs().filter(id__in=[job.id for job in some]).values_list("id", flat=True))


def _reborn(job: Job) -> Job:
    """The job as if it had been enqueued here when it was enqueued there."""
    columns: dict[str, Any] = {name: getattr(job, name) for name in _KEPT}
    # Both by the clock of the buffer. What became due meanwhile is promoted at once.
    is_delayed = job.scheduled_for > job.created_at
    columns["status"] = Status.SCHEDULED if is_delayed else Status.PENDING
    return Job(**columns)
