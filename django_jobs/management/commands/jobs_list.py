"""``manage.py jobs_list``: the newest jobs."""

from __future__ import annotations

from typing import Any, Final

from django.core.management.base import CommandParser

from django_jobs.management.arguments import at_least_one
from django_jobs.management.base import JobsCommand
from django_jobs.management.selection import add_filters, filtered
from django_jobs.states import Status

MOST: Final = 1000

#: What is shown of a job; arguments and results stay out, they may be secret or large.
TABLE: Final = ("id", "job_name", "queue", "status", "attempt_count", "progress", "created_at")
DOCUMENT: Final = (
    *TABLE,
    "priority",
    "tags",
    "unique_key",
    "correlation_id",
    "progress_message",
    "failure_count",
    "crash_count",
    "max_attempts",
    "scheduled_for",
    "expires_at",
    "worker_started_at",
    "completed_at",
    "error",
)


class Command(JobsCommand):
    """List jobs, newest first."""

    help = "List jobs, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Filters and ``--limit``."""
        add_filters(parser, Status, if_omitted="all")
        parser.add_argument(
            "--limit", type=at_least_one, default=50, help=f"at most {MOST} (default: 50)"
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """List."""
        limit = max(1, min(options["limit"], MOST))
        # Ids grow with time.
        jobs = filtered(options).order_by("-id")
        if options["json"]:
            self.write_json({"jobs": list(jobs.values(*DOCUMENT)[:limit])})
            return
        rows = list(jobs.values_list(*TABLE)[:limit])
        if rows:
            self.write_table(
                ("id", "job", "queue", "status", "attempts", "progress", "created"),
                ((*row[:-2], f"{row[-2]} %", row[-1]) for row in rows),
            )
        else:
            self.write_line("No jobs match.")
