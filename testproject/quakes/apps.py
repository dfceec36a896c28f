"""The demo app: a week of earthquakes goes through the queue."""

from __future__ import annotations

from django.apps import AppConfig


class QuakesConfig(AppConfig):
    """Earthquakes, their nearest airports, reports and a map."""

    name = "testproject.quakes"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Earthquakes (demo)"

    def ready(self) -> None:
        """Register the jobs that are in no module named ``jobs``."""
        from testproject.quakes import stations  # noqa: F401
