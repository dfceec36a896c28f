"""``manage.py jobs_run_now``: make delayed jobs due at once."""

from __future__ import annotations

from django_jobs import operations
from django_jobs.management.operating import OperatingCommand
from django_jobs.states import DELAYED


class Command(OperatingCommand):
    """Scheduled and retrying jobs become pending."""

    help = "Make scheduled and retrying jobs due at once, by id or by filter."
    operation = staticmethod(operations.run_now)
    statuses = DELAYED
    if_omitted = DELAYED
