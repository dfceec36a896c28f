"""Ending many attempts with one statement."""

from __future__ import annotations

from django_jobs.stores.database.finishing import Finishing


class FastFinishing(Finishing):
    """Ending many attempts with one statement."""
