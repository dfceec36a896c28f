"""What operators can do to jobs: the same verbs as buttons and as list actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from django_jobs import bulk, operations
from django_jobs.admin.shared import history
from django_jobs.admin.shared.bases import user_name
from django_jobs.admin.shared.buttons import Button
from django_jobs.auditing import audit, some_ids, through
from django_jobs.models import AuditAction, AuditSource
from django_jobs.operations import OperationResult
from django_jobs.states import Status

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from django_jobs.models import Job

RETRY: Final = Button("retry", _("Retry"), "retry")
RUN_NOW: Final = Button("run_now", _("Run now"), "retry")
CANCEL: Final = Button("cancel", _("Cancel"), "cancel")
DISCARD: Final = Button("discard", _("Discard"), "discard")
BUTTONS: Final = (RETRY, RUN_NOW, CANCEL, DISCARD)

#: Button → the statuses in which it does something.
ALLOWED: Final[dict[Button, Collection[Status]]] = {
    button: bulk.ALLOWED[AuditAction(button.name)] for button in BUTTONS
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
    with through(AuditSource.ADMIN):
        result = _VERBS[button](ids, by=user_name(request), reason=reason)
    history.remember_jobs(request, result.done, button.noted(reason))
    return result


def delete(
    request: HttpRequest,
    ids: Sequence[UUID],
    reason: str = "",
    log: Callable[[QuerySet[Job]], Any] | None = None,
) -> OperationResult:
    """Delete ended jobs and record it.

    Args:
        request: of whoever does it.
        ids: of the jobs; those that have not ended are skipped.
        reason: why.
        log: called with each batch while its rows still exist.
    """
    result = bulk.delete_ended(ids, log)
    if result.done:
        with through(AuditSource.ADMIN):
            audit(
                AuditAction.DELETE,
                by=user_name(request),
                target=str(result.done[0]) if len(result.done) == 1 else "",
                reason=reason,
                count=len(result.done),
                details={"ids": some_ids(result.done), "skipped": len(result.skipped)},
            )
    return result
