"""``manage.py jobs_stats``: numbers of jobs, depths of queues, durations, failures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from django_jobs import stats
from django_jobs.management.arguments import queue_name
from django_jobs.management.base import JobsCommand


class Command(JobsCommand):
    """Show how the queues are doing."""

    help = "Show jobs by status, depths of queues, mean durations and the last hour's failure rate."

    def add_arguments(self, parser: CommandParser) -> None:
        """One queue or all."""
        parser.add_argument("--queue", type=queue_name, help="only this queue")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Show."""
        queue = options["queue"]
        document = {
            "jobs_by_status": stats.job_counts(queue),
            "queues": [
                asdict(depth)
                for depth in stats.queue_depths()
                if queue is None or depth.name == queue
            ],
            "jobs": [asdict(one) for one in stats.job_statistics(queue)],
            "failure_rate_last_hour": stats.failure_rate(hours=1, queue=queue),
        }
        if options["json"]:
            self.write_json(document)
        else:
            self._write_report(document)

    def _write_report(self, document: dict[str, Any]) -> None:
        self.write_table(
            ("status", "jobs"),
            ((status, count) for status, count in document["jobs_by_status"].items() if count),
        )
        self.write_line("")
        self.write_table(
            ("queue", "paused", "pending", "scheduled", "retrying", "running", "oldest pending"),
            (
                (name, "yes" if paused else "", *numbers)
                for name, paused, *numbers in (queue.values() for queue in document["queues"])
            ),
        )
        self.write_line("")
        self.write_table(
            ("job", "status", "jobs", "mean duration"),
            (
                (one["job_name"], one["status"], one["count"], _seconds(one["mean_duration"]))
                for one in document["jobs"]
            ),
        )
        rate = document["failure_rate_last_hour"]
        self.write_line("")
        self.write_line(
            "Failure rate of the last hour: "
            + ("no job ended." if rate is None else f"{rate:.1%} of the jobs that ended.")
        )


def _seconds(duration: float | None) -> str:
    return "" if duration is None else f"{duration:.3f} s"
