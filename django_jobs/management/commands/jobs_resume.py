"""``manage.py jobs_resume``: let queues be claimed from again."""

from __future__ import annotations

from typing import Any

from django_jobs import operations
from django_jobs.management.base import operator
from django_jobs.management.queues import QueuesCommand


class Command(QueuesCommand):
    """Resume queues."""

    help = "Resume queues that were paused."
    paused = False

    def change(self, name: str, options: dict[str, Any]) -> bool:
        """Resume one."""
        return operations.resume_queue(name, by=operator())
