"""Base of the commands that pause and resume queues."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from django_jobs.management.arguments import queue_name
from django_jobs.management.base import JobsCommand


class QueuesCommand(JobsCommand):
    """Takes names of queues; all are checked before the first is changed.

    Attributes:
        paused: whether the queues are paused afterwards.
    """

    paused: ClassVar[bool]

    def add_arguments(self, parser: CommandParser) -> None:
        """Names of queues."""
        parser.add_argument(
            "queues", nargs="+", type=queue_name, metavar="QUEUE", help="names of queues"
        )
        super().add_arguments(parser)

    @abstractmethod
    def change(self, name: str, options: dict[str, Any]) -> bool:
        """Pause or resume one queue; return whether that changed anything."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Change all; a queue that is so already is no error."""
        names = dict.fromkeys(options["queues"])
        changed = {name: self.change(name, options) for name in names}
        if options["json"]:
            self.write_json(
                {
                    "queues": [
                        {"name": name, "paused": self.paused, "changed": was_changed}
                        for name, was_changed in changed.items()
                    ]
                }
            )
            return
        state = "paused" if self.paused else "resumed"
        before = "was paused before" if self.paused else "was not paused"
        for name, was_changed in changed.items():
            self.write_line(f"{name}: {state if was_changed else before}")
