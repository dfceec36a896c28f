"""Inserting jobs and their transitions with one statement."""

from __future__ import annotations

from django_jobs.stores.database.enqueueing import Enqueueing


class FastEnqueueing(Enqueueing):
    """Inserting jobs and their transitions with one statement."""
