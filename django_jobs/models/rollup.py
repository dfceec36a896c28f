"""What pages and metrics read instead of the jobs: sums by minute and by hour."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField
from django_jobs.states import Status


class Period(models.IntegerChoices):
    """How long a time one row sums up, in seconds."""

    MINUTE = 60, _("minute")
    HOUR = 3600, _("hour")


class JobRollup(models.Model):
    """The attempts of one job that ended alike in one minute or hour.

    Finishers append rows, so that none of them waits for another; a service merges those of one
    minute, and minutes into hours. Readers add up whatever rows there are.
    """

    period = models.PositiveIntegerField(
        _("period"), choices=Period.choices, default=Period.MINUTE, help_text=_("Seconds.")
    )
    start = models.DateTimeField(_("start"))
    job_name = ExactCharField(_("job"), max_length=200)
    queue = ExactCharField(_("queue"), max_length=50)
    outcome = ExactCharField(_("outcome"), max_length=16, choices=Status.choices)
    count = models.PositiveBigIntegerField(_("count"), default=0)
    run_total = models.FloatField(_("run time"), default=0.0, help_text=_("Sum, in seconds."))
    wait_total = models.FloatField(
        _("wait time"), default=0.0, help_text=_("From due to started: the sum, in seconds.")
    )
    run_histogram = models.JSONField(_("run times"), default=dict)
    wait_histogram = models.JSONField(_("wait times"), default=dict)

    class Meta:
        verbose_name = _("job rollup")
        verbose_name_plural = _("job rollups")
        default_permissions = ()
        indexes = [
            models.Index(fields=["start"], name="django_jobs_rollup_start"),
            models.Index(fields=["job_name", "start"], name="django_jobs_rollup_job"),
            models.Index(fields=["period", "start"], name="django_jobs_rollup_period"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.outcome} {self.start:%Y-%m-%d %H:%M}: {self.count}"


class QueueSample(models.Model):
    """The live jobs of one queue as a service counted them, once a minute."""

    start = models.DateTimeField(_("minute"))
    queue = ExactCharField(_("queue"), max_length=50)
    pending = models.PositiveBigIntegerField(_("pending"), default=0)
    running = models.PositiveBigIntegerField(_("running"), default=0)
    scheduled = models.PositiveBigIntegerField(_("scheduled"), default=0)
    retrying = models.PositiveBigIntegerField(_("retrying"), default=0)
    oldest_wait = models.FloatField(
        _("longest wait"), null=True, blank=True, help_text=_("Seconds that a due job waits.")
    )

    class Meta:
        verbose_name = _("queue sample")
        verbose_name_plural = _("queue samples")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["start", "queue"], name="django_jobs_queue_sample")
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.start:%Y-%m-%d %H:%M}"
