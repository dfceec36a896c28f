"""``SavedFilter``: what somebody asks of the list of jobs again and again."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField


class SavedFilter(models.Model):
    """A name for a query string of the list of jobs.

    Its owner is a name, as in the audit: jobs may be in another database than users.
    """

    owner = ExactCharField(_("owner"), max_length=200)
    name = ExactCharField(_("name"), max_length=60)
    query = ExactCharField(_("query string"), max_length=2000)
    is_shared = models.BooleanField(
        _("shared"), default=False, help_text=_("Whether everybody else sees it, too.")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="django_jobs_saved_filter")
        ]

    def __str__(self) -> str:
        return self.name
