"""``FailureGroup``: failures of one kind; how often they were seen; retries of a whole group."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField


class FailureState(models.TextChoices):
    """Whether anybody need look at failures of one kind."""

    NEW = "new", _("new")
    ONGOING = "ongoing", _("ongoing")
    REGRESSED = "regressed", _("came back")
    MUTED = "muted", _("muted")
    RESOLVED = "resolved", _("resolved")


#: States in which somebody should look at them.
OPEN_FAILURES: Final = (FailureState.NEW, FailureState.REGRESSED, FailureState.ONGOING)


class FailureGroup(models.Model):
    """Failures with one fingerprint: the same job, the same exception, from the same place.

    Written by whoever sees them, and by operators who sort them.
    """

    fingerprint = ExactCharField(_("fingerprint"), max_length=16, primary_key=True)
    job_name = ExactCharField(_("job"), max_length=200)
    exception_type = ExactCharField(_("exception"), max_length=200, blank=True)
    frame = ExactCharField(_("raised in"), max_length=200, default="", blank=True)
    message = ExactCharField(
        _("message"), max_length=500, default="", blank=True, help_text=_("Of the latest of them.")
    )
    state = ExactCharField(
        _("state"), max_length=10, choices=FailureState.choices, default=FailureState.NEW
    )
    first_seen_at = models.DateTimeField(_("first seen"), db_default=Now())
    last_seen_at = models.DateTimeField(_("last seen"), db_default=Now())
    count = models.PositiveBigIntegerField(
        _("times seen"), default=0, help_text=_("Failed attempts, those that were retried too.")
    )
    releases = models.JSONField(
        _("releases"), default=list, blank=True, help_text=_("In which it was seen, oldest first.")
    )

    resolved_in_release = ExactCharField(
        _("resolved in release"), max_length=100, default="", blank=True
    )
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolved_by = ExactCharField(_("resolved by"), max_length=200, default="", blank=True)
    muted_until = models.DateTimeField(
        _("muted until"), null=True, blank=True, help_text=_("For good, when empty.")
    )
    muted_by = ExactCharField(_("muted by"), max_length=200, default="", blank=True)
    note = ExactCharField(_("note"), max_length=500, default="", blank=True)

    class Meta:
        verbose_name = _("failure")
        verbose_name_plural = _("failures")
        default_permissions = ()
        permissions = [("manage_failure", "Can mute, resolve and reopen failures")]
        indexes = [
            models.Index(fields=["last_seen_at"], name="django_jobs_failure_seen"),
            models.Index(fields=["state", "last_seen_at"], name="django_jobs_failure_state"),
        ]

    def __str__(self) -> str:
        return f"{self.job_name}: {self.exception_type}"


class FailureCount(models.Model):
    """How often failures of one kind were seen in one hour."""

    fingerprint = ExactCharField(_("fingerprint"), max_length=16)
    hour = models.DateTimeField(_("hour"))
    count = models.PositiveBigIntegerField(_("count"), default=0)

    class Meta:
        verbose_name = _("failure count")
        verbose_name_plural = _("failure counts")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint", "hour"], name="django_jobs_failure_count"
            )
        ]
        indexes = [models.Index(fields=["hour"], name="django_jobs_failure_hour")]

    def __str__(self) -> str:
        return f"{self.fingerprint} {self.hour:%Y-%m-%d %H}: {self.count}"


class RetryPace(models.TextChoices):
    """How the jobs of a group are retried."""

    CANARY = "canary", _("one, then ten, then the rest")
    DRIP = "drip", _("some per minute")


class RetryEnd(models.TextChoices):
    """Why the retry of a group ended."""

    DONE = "done", _("all were retried")
    FAILED_ALIKE = "failed_alike", _("a retried job failed the same way")
    FAILED_OTHERWISE = "failed_otherwise", _("a retried job ended in another way than well")
    REFUSED = "refused", _("too many jobs could not be retried")
    STOPPED = "stopped", _("stopped by an operator")


class FailureRetry(models.Model):
    """How far the retry of a group has come.

    Its key is the id of the job that drives it. That job writes this row and retries in one
    transaction: when it is killed and runs again it goes on where it was, and retries no job twice.
    """

    job_id = models.UUIDField(_("driving job"), primary_key=True)
    fingerprint = ExactCharField(_("fingerprint"), max_length=16)
    pace = ExactCharField(_("pace"), max_length=10, choices=RetryPace.choices)
    per_minute = models.PositiveIntegerField(_("jobs per minute"), default=0)
    asked_by = ExactCharField(_("asked by"), max_length=200, default="", blank=True)
    started_at = models.DateTimeField(
        _("started"), db_default=Now(), help_text=_("Jobs that failed later are left alone.")
    )

    total = models.PositiveBigIntegerField(_("failed jobs at the start"), default=0)
    step = models.PositiveIntegerField(_("step"), default=0)
    stepped_at = models.DateTimeField(_("latest step"), null=True, blank=True)
    retried = models.PositiveBigIntegerField(_("retried"), default=0)
    watched = models.JSONField(_("jobs of this step"), default=list)
    skipped = models.JSONField(_("jobs that could not be retried"), default=list)

    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    end = ExactCharField(_("why"), max_length=20, choices=RetryEnd.choices, default="", blank=True)
    culprit = models.UUIDField(_("job that ended badly"), null=True, blank=True)

    class Meta:
        verbose_name = _("retry of failures")
        verbose_name_plural = _("retries of failures")
        default_permissions = ()
        indexes = [
            models.Index(fields=["fingerprint", "started_at"], name="django_jobs_failure_retry"),
            models.Index(fields=["started_at"], name="django_jobs_failure_begun"),
        ]

    def __str__(self) -> str:
        return f"{self.pace} {self.fingerprint} ({self.job_id})"
