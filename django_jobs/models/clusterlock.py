"""``ClusterLock``: a lock with an expiry, kept in a row; works behind any connection pooler."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_jobs.models.text import ExactCharField


class ClusterLock(models.Model):
    """Held by ``holder`` until ``expires_at``; free afterwards."""

    name = ExactCharField(_("name"), max_length=100, primary_key=True)
    holder = models.UUIDField(_("holder"))
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        verbose_name = _("cluster lock")
        verbose_name_plural = _("cluster locks")

    def __str__(self) -> str:
        return self.name
