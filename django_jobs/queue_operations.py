"""What operators do to queues. Called through :mod:`~django_jobs.operations`."""

from __future__ import annotations

import math
from datetime import datetime
from enum import Enum
from typing import Final

from django.conf import settings
from django.db import router, transaction
from django.db.models.functions import Now
from django.utils import timezone

from django_jobs.auditing import audit, through
from django_jobs.conf.shown import shown
from django_jobs.exceptions import InvalidOption
from django_jobs.models import AuditAction, AuditSource, Job, Queue
from django_jobs.models.queue import LIMIT_MAX
from django_jobs.names import check_queue_name
from django_jobs.option_checks import MAX_DELAY, check_integer
from django_jobs.stores import active_store
from django_jobs.stores.database.retrying import retried
from django_jobs.validation import clean_text


class Unchanged(Enum):
    """Stands for an argument that was not given, where ``None`` says something."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


@retried
def pause_queue(
    name: str, *, by: str = "", reason: str = "", until: datetime | float | None = None
) -> bool:
    """Let nothing more be claimed from a queue; running jobs go on.

    A worker's service resumes it when the time is over, within a poll interval. Nothing is claimed
    before it did, so that the resuming, too, is in the audit.

    Args:
        name: the queue.
        by: who does it.
        reason: why.
        until: when it is resumed, or in how many seconds. For a queue that is paused already this
            replaces time, reason and name; without, such a queue stays as it is.

    Returns:
        Whether that changed anything.

    Raises:
        InvalidQueueName: no queue can have this name.
        InvalidOption: the time has passed, or it is more than ten years ahead.
    """
    check_queue_name(name)
    end = None if until is None else _checked(until)
    with transaction.atomic(using=router.db_for_write(Job)):
        paused = active_store().pause(name, _text(by, 200), _text(reason, 500), end)
        if paused:
            details = {} if end is None else {"until": _described(end)}
            audit(AuditAction.PAUSE, by=by, target=name, reason=reason, details=details)
    return paused


@retried
def resume_queue(name: str, *, by: str = "", reason: str = "") -> bool:
    """Let a queue be claimed from again; return whether it was paused."""
    with transaction.atomic(using=router.db_for_write(Job)):
        resumed = active_store().resume(check_queue_name(name))
        if resumed:
            audit(AuditAction.RESUME, by=by, target=name, reason=reason)
    return resumed


def resume_due_queues() -> int:
    """Resume every queue whose pause is over; return how many."""
    alias = router.db_for_write(Job)
    due = Queue.objects.using(alias).filter(paused_until__lte=Now())
    return sum(_resume_due(queue) for queue in due)


@retried
def _resume_due(queue: Queue) -> bool:
    with transaction.atomic(using=router.db_for_write(Job)), through(AuditSource.WORKER):
        # The first of all workers that see it; and nobody, if the pause was made longer meanwhile.
        resumed = active_store().resume_due(queue.name)
        if resumed:
            audit(AuditAction.RESUME, target=queue.name, reason="the time of its pause is over")
    return resumed


@retried
def limit_queue(
    name: str,
    *,
    max_running: int | Unchanged | None = UNCHANGED,
    rate_limit: int | Unchanged | None = UNCHANGED,
    by: str = "",
    reason: str = "",
) -> bool:
    """Say how many jobs of a queue may run at once, and how many may start in a minute.

    Both are kept by all workers together. Workers obey within a second; running jobs go on.
    ``now()`` and running a job by its id do not wait for a limit, though such a job counts.

    Args:
        name: the queue.
        max_running: most jobs that run at a time; ``None``: any number.
        rate_limit: most jobs that start in one minute of the clock; ``None``: any number.
        by: who does it.
        reason: why.

    Returns:
        Whether that changed anything.

    Raises:
        InvalidQueueName: no queue can have this name.
        InvalidOption: a limit is no whole number from 1 to 1,000,000.
    """
    check_queue_name(name)
    given = {"max_running": max_running, "rate_limit": rate_limit}
    limits = {
        option: None if value is None else check_integer(option, value, 1, LIMIT_MAX)
        for option, value in given.items()
        if value is not UNCHANGED
    }
    if not limits:
        return False
    with transaction.atomic(using=router.db_for_write(Job)):
        before = active_store().limit(name, limits)
        changed = {
            option: {"before": before[option], "after": value}
            for option, value in limits.items()
            if before[option] != value
        }
        if changed:
            audit(AuditAction.LIMIT, by=by, target=name, reason=reason, details=changed)
    return bool(changed)


def _checked(until: object) -> datetime | float:
    """A time to come, or seconds until it."""
    if isinstance(until, datetime):
        if settings.USE_TZ and timezone.is_naive(until):
            raise InvalidOption("until: an aware datetime; this one has no time zone.")
        try:
            seconds = (until - timezone.now()).total_seconds()
        except (OverflowError, TypeError):
            raise InvalidOption("until: not a usable time.") from None
    elif isinstance(until, int | float) and not isinstance(until, bool):
        until = seconds = float(until)
    else:
        raise InvalidOption(f"until: a datetime or a number of seconds; got {shown(until)}.")
    if math.isnan(seconds) or not 0 < seconds <= MAX_DELAY.total_seconds():
        raise InvalidOption(
            f"until: a time to come, at most {MAX_DELAY.days} days ahead; got {shown(until)}."
        )
    return until


def _described(end: datetime | float) -> str:
    return end.isoformat() if isinstance(end, datetime) else f"in {end:g} s"


def _text(text: str, limit: int) -> str:
    return clean_text(text, limit) if text else ""
