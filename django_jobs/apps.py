"""The app: finds every ``jobs.py`` and registers the checks."""

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
        """Register the system checks and the jobs of every app."""
        from django_jobs import checks  # noqa: F401 - importing them registers them

        autodiscover_modules("jobs")
