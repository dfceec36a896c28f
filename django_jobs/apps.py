"""The app: finds every ``jobs.py`` and connects what listens."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class DjangoJobsConfig(AppConfig):
    """Background jobs in the site's own database."""

    name = "django_jobs"
    label = "django_jobs"
    verbose_name = _("Jobs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, the log subscriber and the jobs of every app."""
        from django_jobs import checks, log  # noqa: F401 - importing them connects them

        autodiscover_modules("jobs")
