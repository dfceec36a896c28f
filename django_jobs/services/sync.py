"""Write the schedules of the code to ``CronJob`` rows, when a worker starts."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, router, transaction

from django_jobs.conf import config
from django_jobs.models import CronJob
from django_jobs.names import CLEANUP
from django_jobs.schedules import Schedule, schedules


def sync_schedules() -> None:
    """Create and update the rows of ``@cron`` entries; delete those that left the code.

    ``enabled`` belongs to the operators once the row exists, and entries made in the admin
    are never touched, even under a name that the code uses too.
    """
    try:
        _sync()
    except IntegrityError:
        # Another worker that starts now was first; under strict isolation only a new
        # transaction sees its rows.
        _sync()


def _sync() -> None:
    with transaction.atomic(using=router.db_for_write(CronJob)):
        wanted = [schedule for schedule in schedules.all() if _is_on(schedule)]
        for schedule in wanted:
            _write(schedule)
        CronJob.objects.filter(managed_by_code=True).exclude(
            name__in=[schedule.name for schedule in wanted]
        ).delete()


def _is_on(schedule: Schedule) -> bool:
    return config.CLEANUP_ENABLED or schedule.name != CLEANUP or not schedule.builtin


def _write(schedule: Schedule) -> None:
    columns = _columns(schedule)
    row, created = CronJob.objects.get_or_create(
        name=schedule.name, defaults={**columns, "enabled": schedule.enabled}
    )
    if created or not row.managed_by_code:
        return
    changed = {name: value for name, value in columns.items() if getattr(row, name) != value}
    if {"cron_expression", "timezone"} & changed.keys():
        changed["next_run_at"] = None
    if changed:
        CronJob.objects.filter(pk=row.pk).update(**changed)


def _columns(schedule: Schedule) -> dict[str, Any]:
    return {
        "job_name": schedule.definition.name,
        "cron_expression": schedule.crontab.expression,
        "timezone": schedule.crontab.timezone,
        "params": schedule.params,
        "queue": schedule.queue or "",
        "priority": schedule.priority,
        "missed_policy": schedule.missed,
        "missed_max": schedule.missed_max,
        "overlap_policy": schedule.overlap,
        "managed_by_code": True,
    }
