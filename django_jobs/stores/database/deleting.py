"""Pruning: deletes in small batches, children before parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_jobs.models import CronJob, JobLog, JobTransition
from django_jobs.stores.base import Store
from django_jobs.stores.database.moves import database, jobs, lock, seconds_from_now, writing
from django_jobs.stores.database.retrying import retried

if TYPE_CHECKING:
    from django_jobs.states import Status


class Deleting(Store):
    """Verbs of the pruner."""

    @retried
    def delete_finished(self, status: Status, older_than: float, limit: int) -> int:
        alias = database()
        old = jobs().filter(status=status, completed_at__lt=seconds_from_now(-older_than))
        with writing():
            # Locked: an operator's retry of the same job comes first, or finds nothing.
            ids = list(lock(old.order_by("completed_at")[:limit]).values_list("id", flat=True))
            if not ids:
                return 0
            JobTransition.objects.using(alias).filter(job_id__in=ids).delete()
            JobLog.objects.using(alias).filter(job_id__in=ids).delete()
            CronJob.objects.using(alias).filter(last_job_id__in=ids).update(last_job=None)
            gone = jobs().filter(id__in=ids)
            return int(gone._raw_delete(alias))

    @retried
    def delete_transitions(self, older_than: float, limit: int) -> int:
        alias = database()
        cutoff = seconds_from_now(-older_than)
        deleted = 0
        for model in (JobTransition, JobLog):
            old = model._default_manager.using(alias).filter(at__lt=cutoff).order_by("id")
            ids = list(old.values_list("id", flat=True)[:limit])
            deleted += model._default_manager.using(alias).filter(id__in=ids).delete()[0]
        return deleted
