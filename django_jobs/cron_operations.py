"""What operators do to schedules. Called through :mod:`~django_jobs.operations`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, router, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from django_jobs import producing
from django_jobs.auditing import audit, some_ids
from django_jobs.crontab import Crontab
from django_jobs.exceptions import InvalidOption
from django_jobs.models import AuditAction, CronJob, CronSlot, Job, JobAudit, SlotOutcome
from django_jobs.options import UsingOptions
from django_jobs.registry import registry
from django_jobs.stores.database.retrying import retried

#: Slots that one backfill looks at.
BACKFILL_MAX: Final = 1000


@retried
def enqueue_cron_job(
    cron_job: CronJob, *, by: str = "", reason: str = "", job_id: UUID | None = None
) -> Job:
    """Enqueue the job of a schedule, whatever the clock and the overlap policy say.

    Args:
        cron_job: the schedule.
        by: who does it.
        reason: why.
        job_id: the id of the job to come. If there is a job with it, this was done before: that
            job is returned, with ``was_already_enqueued``, and nothing is done.

    Raises:
        UnknownJob: this process does not know the job.
        InvalidArguments, EnqueueUnavailable: as for ``later()``.
    """
    try:
        with transaction.atomic(using=router.db_for_write(CronJob)):
            if before := _enqueued_before(job_id):
                return before
            job = fire(cron_job, job_id)
            audit(
                AuditAction.RUN_CRON,
                by=by,
                target=cron_job.name,
                reason=reason,
                count=1,
                details={"ids": some_ids([job.pk])},
            )
    except IntegrityError:
        # Two requests at the same moment: the other one was first.
        if before := _enqueued_before(job_id):
            return before
        raise
    return job


def _enqueued_before(job_id: UUID | None) -> Job | None:
    if job_id is None:
        return None
    job = Job.objects.using(router.db_for_write(Job)).filter(pk=job_id).first()
    if job is not None:
        job.was_already_enqueued = True
    return job


def fire(cron_job: CronJob, job_id: UUID | None = None) -> Job:
    """Enqueue the job of a schedule. That is no operator's doing: the clock does it, too."""
    definition = registry.get(cron_job.job_name)
    options: UsingOptions = {"tags": ["cron"]}
    if cron_job.queue:
        options["queue"] = cron_job.queue
    if cron_job.priority is not None:
        options["priority"] = cron_job.priority
    definition = definition.using(**options)
    with transaction.atomic(using=router.db_for_write(CronJob)):
        built = producing.build(definition, cron_job.params)
        built.id = job_id or built.id
        job = producing.enqueue(definition, [built])[0]
        CronJob.objects.filter(pk=cron_job.pk).update(last_job=job)
    cron_job.last_job = job
    return job


@retried
def switch_cron(cron_job: CronJob, *, enabled: bool, by: str = "", reason: str = "") -> bool:
    """Switch a schedule on or off; return whether that changed anything.

    Switched on again, it does not make up for the time it was off.
    """
    with transaction.atomic(using=router.db_for_write(CronJob)):
        switched = bool(
            CronJob.objects.filter(pk=cron_job.pk, enabled=not enabled).update(
                enabled=enabled, next_run_at=None, updated_at=Now()
            )
        )
        if switched:
            details = {"enabled": {"before": not enabled, "after": enabled}}
            audit(
                AuditAction.CHANGE_CRON,
                by=by,
                target=cron_job.name,
                reason=reason,
                details=details,
            )
    return switched


def backfill_slots(cron_job: CronJob, since: datetime, until: datetime) -> list[datetime]:
    """The times of a schedule from ``since`` to ``until`` that have not fired and were not skipped.

    Raises:
        InvalidOption: the range is none, not over yet, or has more than 1,000 times in it.
        InvalidCron, InvalidTimezone: the stored expression cannot be read.
    """
    _check_range(since, until)
    crontab = Crontab.parse(cron_job.cron_expression, cron_job.timezone, cron_job.name)
    start = _aware(since) - timedelta(microseconds=1)
    times = crontab.fires_between(start, _aware(until), BACKFILL_MAX + 1)
    if len(times) > BACKFILL_MAX:
        text = _("until: at most %(count)d times of the schedule at once; choose a shorter range.")
        raise InvalidOption(text % {"count": BACKFILL_MAX})
    taken = CronSlot.objects.filter(cron_job=cron_job, slot_at__gte=since, slot_at__lte=until)
    known = {_aware(at) for at in taken.values_list("slot_at", flat=True)}
    return [at for at in times if at not in known]


def backfill_cron(
    cron_job: CronJob, since: datetime, until: datetime, *, by: str = "", reason: str = ""
) -> list[Job]:
    """Enqueue a job for every time of a schedule in a range that has none in its ledger.

    Each time's slot and job are one transaction, so that two backfills at once, or one that is
    interrupted and begun again, enqueue no time twice.

    Returns:
        The jobs, oldest time first.

    Raises:
        InvalidOption: the range is none, not over yet, or has more than 1,000 times in it.
        UnknownJob, InvalidArguments, EnqueueUnavailable: as for ``later()``.
    """
    slots = backfill_slots(cron_job, since, until)
    registry.get(cron_job.job_name)  # before anything is written
    details = {"since": since.isoformat(), "until": until.isoformat()}
    # Before anything is done: should this process die in between, something tells of it.
    entry = audit(AuditAction.BACKFILL, by=by, target=cron_job.name, reason=reason, details=details)
    jobs: list[Job] = []
    try:
        for slot in slots:
            jobs += _fill(cron_job, slot)
    finally:
        _complete(entry, jobs)
    return jobs


@retried
def _fill(cron_job: CronJob, slot: datetime) -> Sequence[Job]:
    with transaction.atomic(using=router.db_for_write(CronJob)):
        row, created = CronSlot.objects.get_or_create(
            cron_job=cron_job,
            slot_at=_stored(slot),
            defaults={"outcome": SlotOutcome.FIRED, "reason": "backfill"},
        )
        if not created:
            return ()
        job = fire(cron_job)
        CronSlot.objects.filter(pk=row.pk).update(job_id=job.pk)
    return (job,)


def _complete(entry: JobAudit, jobs: Sequence[Job]) -> None:
    """Say in the audit what was done; an entry of nothing tells nothing."""
    if not jobs:
        entry.delete()
        return
    entry.count = len(jobs)
    entry.details |= {"ids": some_ids(job.pk for job in jobs)}
    entry.save()


def _check_range(since: datetime, until: datetime) -> None:
    for name, moment in (("since", since), ("until", until)):
        if timezone.is_naive(moment) is settings.USE_TZ:
            kind = "an aware" if settings.USE_TZ else "a naive"
            raise InvalidOption(f"{name}: {kind} datetime.")
    if until < since:
        raise InvalidOption(_("until: not before since."))
    if until > timezone.now():
        raise InvalidOption(_("until: not in the future; the schedule itself takes care of that."))


def _aware(moment: datetime) -> datetime:
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _stored(moment: datetime) -> datetime:
    """As the site keeps times."""
    return moment if settings.USE_TZ else timezone.make_naive(moment)
