"""``manage.py jobs_discard``: drop waiting jobs and dead letters."""

from __future__ import annotations

from django_jobs import operations
from django_jobs.management.operating import OperatingCommand
from django_jobs.states import Actor, Status, sources_of


class Command(OperatingCommand):
    """Waiting and failed jobs are dropped for good."""

    help = "Drop waiting and failed jobs for good, by id or by filter."
    operation = staticmethod(operations.discard)
    statuses = sources_of(Status.DISCARDED, Actor.OPERATOR)
    if_omitted = statuses
