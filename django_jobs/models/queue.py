"""``Queue``: what operators decided about a queue. One without a row is open and has no limits."""

from __future__ import annotations

from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField
from django_jobs.names import QUEUE_NAME

#: The largest limit that a queue can have.
LIMIT_MAX: Final = 1_000_000

_IN_RANGE: Final = [MinValueValidator(1), MaxValueValidator(LIMIT_MAX)]


class Queue(models.Model):
    """A named queue."""

    name = ExactCharField(
        _("name"),
        max_length=50,
        primary_key=True,
        validators=[RegexValidator(rf"^{QUEUE_NAME.pattern}\Z")],
    )
    paused_at = models.DateTimeField(
        _("paused at"),
        null=True,
        blank=True,
        help_text=_("Since when nothing is claimed from it; running jobs go on."),
    )
    paused_by = ExactCharField(_("paused by"), max_length=200, default="", blank=True)
    pause_reason = ExactCharField(_("pause reason"), max_length=500, default="", blank=True)
    paused_until = models.DateTimeField(
        _("paused until"),
        null=True,
        blank=True,
        help_text=_("A worker resumes it then. Empty: somebody has to."),
    )
    max_running = models.PositiveIntegerField(
        _("most at once"),
        null=True,
        blank=True,
        validators=_IN_RANGE,
        help_text=_("Jobs of this queue that all workers together run at a time. Empty: any."),
    )
    rate_limit = models.PositiveIntegerField(
        _("most per minute"),
        null=True,
        blank=True,
        validators=_IN_RANGE,
        help_text=_("Jobs of this queue that may start in one minute of the clock. Empty: any."),
    )
    # What claims of a limited queue keep count in; written in the transaction of the claim.
    window_start = models.DateTimeField(_("counted since"), null=True, editable=False)
    window_claims = models.PositiveIntegerField(
        _("started in this minute"), default=0, db_default=0, editable=False
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["name"]
        permissions = [("pause_queue", "Can pause and resume queues")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_paused(self) -> bool:
        """Whether workers leave this queue alone."""
        return self.paused_at is not None
