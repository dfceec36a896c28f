"""``CronJob``: when a job is enqueued by the clock; ``CronSlot``: the ledger of every due time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.ids import uuid7
from django_jobs.models.job import Job
from django_jobs.models.mysql import without_warnings
from django_jobs.models.text import ExactCharField

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


class MissedPolicy(models.TextChoices):
    """What happens to slots that passed while no worker was there."""

    SKIP = "skip", _("skip them")
    LATEST = "latest", _("run the latest one")
    ALL = "all", _("run all, up to a maximum")


class OverlapPolicy(models.TextChoices):
    """What happens when the previous run has not ended."""

    SKIP = "skip", _("skip this run")
    QUEUE = "queue", _("enqueue it all the same")


class SlotOutcome(models.TextChoices):
    """What became of a slot."""

    FIRED = "fired", _("fired")
    SKIPPED = "skipped", _("skipped")


class CronJob(models.Model):
    """A schedule. Entries from code are synced when a worker starts."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = ExactCharField(_("name"), max_length=200, unique=True)
    job_name = ExactCharField(_("job"), max_length=200)
    cron_expression = ExactCharField(
        _("cron expression"),
        max_length=200,
        help_text=_("Five fields, or @hourly, @daily, @weekly, @monthly, @yearly."),
    )
    timezone = ExactCharField(
        _("time zone"), max_length=64, default="UTC", help_text=_("For example Europe/Berlin.")
    )
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    queue = ExactCharField(
        _("queue"), max_length=50, default="", blank=True, help_text=_("Empty: the job's own.")
    )
    priority = models.IntegerField(
        _("priority"), null=True, blank=True, help_text=_("Empty: the job's own.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    missed_policy = ExactCharField(
        _("missed runs"), max_length=8, choices=MissedPolicy.choices, default=MissedPolicy.LATEST
    )
    missed_max = models.PositiveIntegerField(
        _("maximum of missed runs"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
    )
    overlap_policy = ExactCharField(
        _("overlap"), max_length=8, choices=OverlapPolicy.choices, default=OverlapPolicy.QUEUE
    )
    managed_by_code = models.BooleanField(
        _("managed by code"),
        default=False,
        editable=False,
        help_text=_("Changed in the code, by @cron; only “enabled” can be changed here."),
    )
    last_run_at = models.DateTimeField(_("last run at"), null=True, blank=True, editable=False)
    next_run_at = models.DateTimeField(_("next run at"), null=True, blank=True, editable=False)
    last_job = models.ForeignKey(
        Job,
        on_delete=models.SET_NULL,
        db_constraint=False,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("last job"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, editable=False)

    class Meta:
        verbose_name = _("cron job")
        verbose_name_plural = _("cron jobs")
        ordering = ["name"]
        permissions = [("manage_cron", "Can run, enable and disable schedules")]
        indexes = [
            models.Index(
                fields=["next_run_at"],
                condition=models.Q(enabled=True),
                name="django_jobs_cron_due",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """Django's checks; that MariaDB's index has no condition is all right."""
        return without_warnings(super().check(**kwargs))


class CronSlot(models.Model):
    """One due time of a schedule. Its unique row is what makes a slot fire exactly once."""

    cron_job = models.ForeignKey(
        CronJob, on_delete=models.CASCADE, related_name="slots", verbose_name=_("cron job")
    )
    slot_at = models.DateTimeField(_("slot"))
    outcome = ExactCharField(_("outcome"), max_length=8, choices=SlotOutcome.choices)
    job_id = models.UUIDField(_("job"), null=True, blank=True)
    reason = ExactCharField(_("reason"), max_length=200, default="", blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("cron slot")
        verbose_name_plural = _("cron slots")
        ordering = ["-slot_at"]
        constraints = [
            models.UniqueConstraint(fields=["cron_job", "slot_at"], name="django_jobs_cron_slot")
        ]

    def __str__(self) -> str:
        return f"{self.cron_job_id} {self.slot_at:%Y-%m-%d %H:%M} {self.outcome}"
