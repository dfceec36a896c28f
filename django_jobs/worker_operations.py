"""What operators tell workers. Called through :mod:`~django_jobs.operations`."""

from __future__ import annotations

from typing import Any

from django.db import router, transaction
from django.db.models.functions import Now

from django_jobs.auditing import audit
from django_jobs.conf.shown import shown
from django_jobs.exceptions import InvalidOption
from django_jobs.models import AuditAction, DesiredState, Worker
from django_jobs.stores.database.retrying import retried


def set_desired_state(
    worker: str, state: DesiredState | str, *, by: str = "", reason: str = ""
) -> bool:
    """Tell a worker to run, drain (claim nothing new) or stop; it obeys at its next heartbeat.

    Returns:
        Whether there is such a worker.

    Raises:
        InvalidOption: the state is none of ``run``, ``drain``, ``stop``.
    """
    if state not in DesiredState.values:
        raise InvalidOption(f"state: one of {', '.join(DesiredState.values)}; got {shown(state)}.")
    return _tell(worker, {"desired_state": str(state)}, {"desired_state": state}, by, reason)


def replace_processes(worker: str, *, by: str = "", reason: str = "") -> bool:
    """Tell a worker to put new processes in the place of those it has, at its next heartbeat.

    Each old one claims nothing more and ends its jobs first; none is interrupted. This frees memory
    and connections. New code comes only with a new worker: the processes are copies of its own.

    Returns:
        Whether there is such a worker.
    """
    return _tell(worker, {"replace": True}, {"replace_asked_at": Now()}, by, reason)


@retried
def _tell(
    worker: str, details: dict[str, Any], changes: dict[str, Any], by: str, reason: str
) -> bool:
    with transaction.atomic(using=router.db_for_write(Worker)):
        told = bool(Worker.objects.filter(name=worker).update(**changes))
        if told:
            audit(AuditAction.TELL_WORKER, by=by, target=worker, reason=reason, details=details)
    return told
