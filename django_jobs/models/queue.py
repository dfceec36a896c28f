"""``Queue``: what operators decided about a queue. A queue without a row is simply not paused."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField
from django_jobs.names import QUEUE_NAME


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
