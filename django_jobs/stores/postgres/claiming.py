"""Taking many jobs with one statement."""

from __future__ import annotations

from django_jobs.stores.database.claiming import Claiming


class FastClaiming(Claiming):
    """Taking many jobs with one statement."""
