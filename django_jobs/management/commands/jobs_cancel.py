"""``manage.py jobs_cancel``: end waiting jobs, ask running ones to stop."""

from __future__ import annotations

from django_jobs import operations
from django_jobs.management.operating import OperatingCommand
from django_jobs.states import LIVE


class Command(OperatingCommand):
    """Waiting jobs end as cancelled; running ones see ``context.cancelled``."""

    help = "Cancel waiting jobs and ask running ones to stop, by id or by filter."
    operation = staticmethod(operations.cancel)
    statuses = LIVE
    if_omitted = LIVE
