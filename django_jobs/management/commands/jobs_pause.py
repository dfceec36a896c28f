"""``manage.py jobs_pause``: let nothing more be claimed from queues."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from django_jobs import operations
from django_jobs.management.base import operator
from django_jobs.management.queues import QueuesCommand


class Command(QueuesCommand):
    """Pause queues; running jobs go on."""

    help = "Pause queues: nothing more is claimed from them; running jobs go on."
    paused = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Names and ``--reason``."""
        parser.add_argument("--reason", default="", help="why; shown beside the queue")
        super().add_arguments(parser)

    def change(self, name: str, options: dict[str, Any]) -> bool:
        """Pause one."""
        return operations.pause_queue(name, by=operator(), reason=options["reason"])
