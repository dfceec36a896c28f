"""``manage.py jobs_recover``: empty the enqueue buffer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from django_jobs.management.base import JobsCommand, bad_input
from django_jobs.services.recover import RecoveryResult, recover
from django_jobs.stores import recovery


class Command(JobsCommand):
    """Bring the jobs of the buffer to their database, as every worker does by itself."""

    help = "Enqueue the jobs that wait in the database RECOVERY_DB_ALIAS."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to do it or only to count."""
        parser.add_argument("--dry-run", action="store_true", help="count, enqueue nothing")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Recover or count."""
        if not recovery.is_on():
            raise bad_input("RECOVERY_DB_ALIAS is not set, so there is no buffer.")
        result = RecoveryResult() if options["dry_run"] else recover()
        waiting = recovery.count_waiting()
        if options["json"]:
            self.write_json({**asdict(result), "waiting": waiting, "dry_run": options["dry_run"]})
        elif result.skipped:
            self.write_line(f"Another recovery is running; {waiting} jobs wait.")
        else:
            self.write_line(
                f"{result.enqueued} jobs enqueued, {result.discarded} discarded, "
                f"{result.expired} expired; {waiting} wait."
            )
