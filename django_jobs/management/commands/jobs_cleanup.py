"""``manage.py jobs_cleanup``: delete old finished jobs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from django_jobs.management.arguments import at_least_one, setting
from django_jobs.management.base import JobsCommand
from django_jobs.management.durations import duration
from django_jobs.services.cleanup import CleanupResult, clean_up, preview
from django_jobs.states import TERMINAL, Status


class Command(JobsCommand):
    """Delete old finished jobs with their history, never two cleanups at a time."""

    help = "Delete jobs that ended long enough ago, with their history, in small batches."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to delete, and how much of it."""
        parser.add_argument(
            "--older-than",
            type=duration,
            metavar="AGE",
            help="time since the end of the job: 30d, 12h, 90m or 45s (default: the settings "
            "CLEANUP_RETENTION and CLEANUP_RETENTION_DAYS)",
        )
        parser.add_argument(
            "--status",
            action="append",
            default=[],
            choices=sorted(str(status) for status in TERMINAL),
            help="repeatable; every final status, and old history, if omitted",
        )
        parser.add_argument(
            "--batch-size",
            type=setting("CLEANUP_BATCH_SIZE"),
            metavar="N",
            help="rows per transaction (default: the setting CLEANUP_BATCH_SIZE, 1000)",
        )
        parser.add_argument(
            "--max-batches",
            type=at_least_one,
            metavar="N",
            help="stop after so many batches of each status (default: no limit)",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, delete nothing")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete or count."""
        statuses = [Status(status) for status in options["status"]]
        if options["dry_run"]:
            result = preview(older_than=options["older_than"], statuses=statuses)
        else:
            result = clean_up(
                older_than=options["older_than"],
                statuses=statuses,
                batch_size=options["batch_size"],
                max_batches=options["max_batches"],
            )
        if options["json"]:
            self.write_json(
                {**asdict(result), "total_jobs": result.total_jobs, "dry_run": options["dry_run"]}
            )
        else:
            self._write_report(result, dry_run=options["dry_run"])

    def _write_report(self, result: CleanupResult, *, dry_run: bool) -> None:
        if result.skipped:
            self.write_line("Another cleanup is running; nothing was done.")
            return
        self.write_table(("status", "jobs"), sorted(result.jobs.items()))
        if dry_run:
            self.write_line(f"{result.total_jobs} jobs would be deleted.")
            return
        self.write_line(
            f"{result.total_jobs} jobs deleted; "
            f"{result.transitions} old transitions and log lines of other jobs deleted."
        )
        if not result.complete:
            self.write_line("More is left: --max-batches was reached.")
