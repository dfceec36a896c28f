"""``manage.py jobs_pause``: let nothing more be claimed from queues."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from django_jobs import operations
from django_jobs.management.arguments import moment
from django_jobs.management.base import operator
from django_jobs.management.durations import duration
from django_jobs.management.queues import QueuesCommand


class Command(QueuesCommand):
    """Pause queues; running jobs go on."""

    help = "Pause queues: nothing more is claimed from them; running jobs go on."
    paused = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Names, ``--reason`` and when the pause ends."""
        parser.add_argument("--reason", default="", help="why; shown beside the queue")
        end = parser.add_mutually_exclusive_group()
        end.add_argument(
            "--until",
            type=moment,
            metavar="TIME",
            help="resume then, for example 2030-01-31T08:00:00+01:00",
        )
        end.add_argument(
            "--for",
            dest="length",
            type=duration,
            metavar="LENGTH",
            help="resume after so long, for example 90m or 12h",
        )
        super().add_arguments(parser)

    def change(self, name: str, options: dict[str, Any]) -> bool:
        """Pause one."""
        until = options["until"] if options["length"] is None else options["length"]
        return operations.pause_queue(name, by=operator(), reason=options["reason"], until=until)
