"""What operators can do to jobs: the same verbs as buttons and as list actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db import router, transaction
from django.utils.translation import gettext_lazy as _

from django_jobs import operations
from django_jobs.admin import history
from django_jobs.admin.bases import user_name
from django_jobs.admin.buttons import Button
from django_jobs.models import Job
from django_jobs.operations import OperationResult
from django_jobs.states import DELAYED, RETRYABLE, WAITING, Actor, Status, sources_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest

RETRY: Final = Button("retry", _("Retry"), "retry")
RUN_NOW: Final = Button("run_now", _("Run now"), "retry")
CANCEL: Final = Button("cancel", _("Cancel"), "cancel")
DISCARD: Final = Button("discard", _("Discard"), "discard")
BUTTONS: Final = (RETRY, RUN_NOW, CANCEL, DISCARD)

#: Button → the statuses in which it does something.
ALLOWED: Final[dict[Button, Collection[Status]]] = {
    RETRY: RETRYABLE,
    RUN_NOW: DELAYED,
    CANCEL: WAITING | {Status.RUNNING},
    DISCARD: sources_of(Status.DISCARDED, Actor.OPERATOR),
}

_VERBS: Final[dict[Button, Callable[..., OperationResult]]] = {
    RETRY: operations.retry,
    RUN_NOW: operations.run_now,
    CANCEL: operations.cancel,
    DISCARD: operations.discard,
}


def operate(
    request: HttpRequest, button: Button, ids: Sequence[UUID], reason: str = ""
) -> OperationResult:
    """Do it to jobs and log it."""
    result = _VERBS[button](ids, by=user_name(request), reason=reason)
    note = f"{button.label}: {reason}" if reason else str(button.label)
    history.remember_jobs(request, result.done, note)
    return result


def delete_finished(
    ids: Sequence[UUID], log: Callable[[QuerySet[Job]], Any] | None = None
) -> OperationResult:
    """Delete ended jobs with their transitions and log lines; skip the others.

    Args:
        ids: of the jobs.
        log: called with each batch while its rows still exist.
    """
    result = OperationResult()
    for start in range(0, len(ids), operations.BATCH):
        batch = Job.objects.filter(pk__in=ids[start : start + operations.BATCH])
        with transaction.atomic(using=router.db_for_write(Job)):
            # Locked, so that a retry by somebody else either comes first or finds nothing.
            jobs = list(batch.select_for_update().only("job_name", "status"))
            ended = [job.pk for job in jobs if job.is_finished]
            rows = Job.objects.filter(pk__in=ended).only("job_name")
            if log is not None:
                log(rows)
            rows.delete()
        result.done += ended
        result.skipped |= {
            job.pk: str(job.get_status_display()) for job in jobs if not job.is_finished
        }
    return result
