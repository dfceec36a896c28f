"""``manage.py jobs_retry``: start ended jobs afresh."""

from __future__ import annotations

from django_jobs import operations
from django_jobs.management.operating import OperatingCommand
from django_jobs.states import RETRYABLE, Status


class Command(OperatingCommand):
    """Failed, discarded, cancelled or expired jobs become pending."""

    help = (
        "Start ended jobs afresh, by id or by filter. Without --status a filter is about failed "
        "jobs only: cancelled and discarded ones ended on purpose."
    )
    operation = staticmethod(operations.retry)
    statuses = RETRYABLE
    if_omitted = frozenset({Status.FAILED})
