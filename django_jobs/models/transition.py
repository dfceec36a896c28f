"""What happened to a job: every change of state, and the log lines of its attempts. Append only."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.models.job import Job
from django_jobs.models.text import ExactCharField, ExactTextField
from django_jobs.states import Status


class JobTransition(models.Model):
    """One change of a job's status, written in the same transaction as the change."""

    # Without a constraint: checking it would lock the job row once more at every step of
    # every job, and only the stores, which delete both together, ever write here.
    job = models.ForeignKey(
        Job,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="transitions",
        verbose_name=_("job"),
    )
    from_status = ExactCharField(
        _("from"), max_length=16, choices=Status.choices, default="", blank=True
    )
    to_status = ExactCharField(_("to"), max_length=16, choices=Status.choices)
    at = models.DateTimeField(_("at"), db_default=Now())
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    lease = models.BigIntegerField(_("lease"), default=0)
    actor = ExactCharField(
        _("actor"), max_length=200, default="", help_text=_("Who made the move.")
    )
    reason = ExactCharField(_("reason"), max_length=500, default="", blank=True)
    error = ExactTextField(
        _("error"), default="", blank=True, help_text=_("The traceback of a failed attempt.")
    )

    class Meta:
        verbose_name = _("transition")
        verbose_name_plural = _("transitions")

    def __str__(self) -> str:
        return f"{self.from_status or '∅'} → {self.to_status}"


class LogLevel(models.TextChoices):
    """How grave a log line is."""

    INFO = "info", _("info")
    WARNING = "warning", _("warning")
    ERROR = "error", _("error")


class JobLog(models.Model):
    """A line that a job wrote with ``context.log``."""

    job = models.ForeignKey(
        Job,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="log_lines",
        verbose_name=_("job"),
    )
    attempt = models.PositiveIntegerField(_("attempt"))
    at = models.DateTimeField(_("at"), help_text=_("By the worker's clock."))
    level = ExactCharField(_("level"), max_length=8, choices=LogLevel.choices)
    message = ExactTextField(_("message"))
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        verbose_name = _("log line")
        verbose_name_plural = _("log lines")

    def __str__(self) -> str:
        return f"{self.level}: {self.message[:80]}"
