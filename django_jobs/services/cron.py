"""Cron: each slot of each schedule fires exactly once, however many workers look at it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db import Error, router, transaction
from django.db.models.functions import Now

from django_jobs.cron_operations import fire
from django_jobs.crontab import Crontab
from django_jobs.exceptions import EnqueueUnavailable, JobsError
from django_jobs.models import (
    CronJob,
    CronSlot,
    Job,
    MissedPolicy,
    OverlapPolicy,
    SlotOutcome,
)
from django_jobs.redaction import redactor_of
from django_jobs.registry import registry
from django_jobs.states import LIVE
from django_jobs.validation import format_traceback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

logger = logging.getLogger("django_jobs")

#: A slot that is picked up later than this many seconds counts as missed.
ON_TIME: Final = 60.0
#: Skipped slots that are recorded one by one; older ones leave no row.
RECORDED_SKIPS: Final = 100


def fire_due_crons() -> int:
    """Enqueue the jobs of every slot that is due; return how many.

    Schedules whose job this process does not know are left to one that does.
    """
    known = _crons().filter(enabled=True, job_name__in=registry.names())
    fired = 0
    for cron_job, now in _with_now(known.filter(next_run_at__lte=Now())):
        fired += _guarded(cron_job, now)
    for cron_job, now in _with_now(known.filter(next_run_at__isnull=True)):
        _plan(cron_job, now)
    return fired


def _crons() -> QuerySet[CronJob]:
    return CronJob.objects.using(router.db_for_write(CronJob))


def _with_now(crons: QuerySet[CronJob]) -> list[tuple[CronJob, datetime]]:
    """Each with the time by the database's clock, which alone decides what is due."""
    return [(cron_job, cron_job.db_now) for cron_job in crons.annotate(db_now=Now())]


def _guarded(cron_job: CronJob, now: datetime) -> int:
    try:
        return _fire(cron_job, now)
    except EnqueueUnavailable as error:
        # The database's fault, not the entry's: the slot stays due and the next round tries again.
        _tell(logging.WARNING, "The schedule %r could not fire", cron_job, error)
        return 0
    except JobsError as error:
        # Bad params or a bad expression, written past the checks: one entry stops, not all.
        _tell(logging.ERROR, "The schedule %r can't run and is switched off", cron_job, error)
        _crons().filter(pk=cron_job.pk).update(enabled=False)
        return 0
    except Error:
        raise
    except Exception as error:  # noqa: BLE001 - told, and tried again
        # A middleware's, or a receiver's: the slot stays due, and the other entries go on.
        _tell(logging.ERROR, "The schedule %r could not fire", cron_job, error)
        return 0


def _tell(level: int, message: str, cron_job: CronJob, error: Exception) -> None:
    """With the traceback, in which nothing secret of the entry's arguments is left."""
    hide = redactor_of(cron_job.job_name, cron_job.params)
    text = f"{message}\n%s"
    logger.log(level, text, cron_job.name, format_traceback(error, hide=hide).rstrip())


def _plan(cron_job: CronJob, now: datetime) -> None:
    try:
        next_run_at = crontab_of(cron_job).next_after(now)
    except JobsError as error:
        _tell(logging.ERROR, "The schedule %r can't be read and is switched off", cron_job, error)
        _crons().filter(pk=cron_job.pk).update(enabled=False)
    else:
        _crons().filter(pk=cron_job.pk, next_run_at__isnull=True).update(next_run_at=next_run_at)


def crontab_of(cron_job: CronJob) -> Crontab:
    """The expression of an entry, read.

    Raises:
        InvalidCron, InvalidTimezone: it can't be.
    """
    return Crontab.parse(cron_job.cron_expression, cron_job.timezone, cron_job.name)


def _fire(cron_job: CronJob, now: datetime) -> int:
    due_at = cron_job.next_run_at
    assert due_at is not None
    crontab = crontab_of(cron_job)
    with transaction.atomic(using=router.db_for_write(CronJob)):
        # Compare and set: of all workers that see this slot, one moves it on.
        won = (
            _crons()
            .filter(pk=cron_job.pk, next_run_at=due_at, enabled=True)
            .update(next_run_at=crontab.next_after(now), last_run_at=now)
        )
        if not won:
            return 0
        slots = _due_slots(cron_job, crontab, due_at, now)
        wanted = _wanted(cron_job, slots, now)
        skipped = [slot for slot in slots if slot not in wanted]
        _skip(cron_job, skipped[-RECORDED_SKIPS:], "missed")
        return sum(_enqueue_slot(cron_job, slot) for slot in wanted)


def _due_slots(
    cron_job: CronJob, crontab: Crontab, due_at: datetime, now: datetime
) -> list[datetime]:
    """The latest due slots, oldest first: as many as any policy asks for or records."""
    limit = cron_job.missed_max + RECORDED_SKIPS
    slots = crontab.latest_between(due_at - timedelta(seconds=1), now, limit)
    # The stored slot counts even if the expression changed since it was computed.
    return slots or [due_at]


def _wanted(cron_job: CronJob, slots: Sequence[datetime], now: datetime) -> list[datetime]:
    on_time = [slot for slot in slots if (now - slot).total_seconds() <= ON_TIME]
    if cron_job.missed_policy == MissedPolicy.SKIP:
        return on_time
    if cron_job.missed_policy == MissedPolicy.ALL:
        return list(slots[-cron_job.missed_max :])
    return list(slots[-1:])


def _enqueue_slot(cron_job: CronJob, slot: datetime) -> int:
    if cron_job.overlap_policy == OverlapPolicy.SKIP and _previous_run_is_live(cron_job):
        _skip(cron_job, [slot], "the previous run has not ended")
        return 0
    row, created = CronSlot.objects.get_or_create(
        cron_job=cron_job, slot_at=slot, defaults={"outcome": SlotOutcome.FIRED}
    )
    if not created:
        return 0
    job = fire(cron_job)
    CronSlot.objects.filter(pk=row.pk).update(job_id=job.pk)
    return 1


def _previous_run_is_live(cron_job: CronJob) -> bool:
    if cron_job.last_job_id is None:
        return False
    jobs = Job.objects.using(router.db_for_write(Job))
    return jobs.filter(pk=cron_job.last_job_id, status__in=LIVE).exists()


def _skip(cron_job: CronJob, slots: Sequence[datetime], reason: str) -> None:
    CronSlot.objects.bulk_create(
        [
            CronSlot(cron_job=cron_job, slot_at=slot, outcome=SlotOutcome.SKIPPED, reason=reason)
            for slot in slots
        ],
        ignore_conflicts=True,
    )
