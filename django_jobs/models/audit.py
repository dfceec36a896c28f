"""``JobAudit``: what people did to jobs, queues, workers and schedules. Append only."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField


class AuditSource(models.TextChoices):
    """Through what somebody did it."""

    ADMIN = "admin", _("admin")
    API = "api", _("API")
    COMMAND = "command", _("command line")
    CODE = "code", _("code")
    WORKER = "worker", _("worker")


class AuditAction(models.TextChoices):
    """What was done."""

    RETRY = "retry", _("retry")
    RUN_NOW = "run_now", _("run now")
    CANCEL = "cancel", _("cancel")
    DISCARD = "discard", _("discard")
    DELETE = "delete", _("delete")
    ENQUEUE = "enqueue", _("enqueue")
    PAUSE = "pause", _("pause queue")
    RESUME = "resume", _("resume queue")
    LIMIT = "limit", _("change limits of a queue")
    TELL_WORKER = "tell_worker", _("tell a worker")
    CHANGE_CRON = "change_cron", _("change a schedule")
    RUN_CRON = "run_cron", _("run a schedule")
    BACKFILL = "backfill", _("backfill a schedule")
    CHANGE_FAILURE = "change_failure", _("sort failures")
    EXPORT = "export", _("export")
    DEPLOY = "deploy", _("deploy")


class JobAudit(models.Model):
    """One thing that somebody did, to one object or to many jobs at once."""

    at = models.DateTimeField(_("at"), db_default=Now())
    actor = ExactCharField(_("who"), max_length=200, default="", blank=True)
    source = ExactCharField(
        _("through"), max_length=10, choices=AuditSource.choices, default=AuditSource.CODE
    )
    action = ExactCharField(_("action"), max_length=20, choices=AuditAction.choices)
    target = ExactCharField(
        _("target"),
        max_length=200,
        default="",
        blank=True,
        help_text=_("The queue, worker, schedule or job; what was asked for, when it was many."),
    )
    reason = ExactCharField(_("reason"), max_length=500, default="", blank=True)
    count = models.PositiveBigIntegerField(
        _("jobs"), default=0, help_text=_("How many jobs it changed.")
    )
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["at"], name="django_jobs_audit_at"),
            models.Index(fields=["target", "at"], name="django_jobs_audit_target"),
            models.Index(fields=["actor", "at"], name="django_jobs_audit_actor"),
            models.Index(fields=["action", "at"], name="django_jobs_audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.target}"
