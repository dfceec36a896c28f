"""``manage.py jobs_enqueue``: enqueue one job by its name."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from django_jobs.management.arguments import moment, whole_number
from django_jobs.management.base import JobsCommand
from django_jobs.management.durations import duration
from django_jobs.management.params import read_params
from django_jobs.models import Job
from django_jobs.registry import registry


class Command(JobsCommand):
    """Enqueue one call of a registered job; print its id."""

    help = "Enqueue one call of a registered job and print its id."

    def add_arguments(self, parser: CommandParser) -> None:
        """The job, its arguments, and the options of ``using()``."""
        parser.add_argument("name", metavar="NAME", help="registered name of the job")
        parser.add_argument(
            "--params",
            default="{}",
            metavar="JSON",
            help='arguments as a JSON object, e.g. \'{"region": "CA", "since": "2030-01-31"}\'; '
            "dates, UUIDs and the like as texts",
        )
        parser.add_argument("--queue", help="another queue than the job's own")
        parser.add_argument("--delay", type=duration, metavar="TIME", help="45s, 90m, 12h, 30d")
        parser.add_argument("--priority", type=whole_number, metavar="N", help="lower runs first")
        parser.add_argument(
            "--scheduled-for",
            type=moment,
            metavar="TIME",
            help="not before, in ISO 8601 with a zone, e.g. 2030-01-31T08:00:00+01:00",
        )
        parser.add_argument(
            "--unique-key", metavar="KEY", help="a live job with this key is returned instead"
        )
        parser.add_argument("--tag", action="append", dest="tags", metavar="TAG", help="repeatable")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Enqueue."""
        definition = registry.get(options["name"])
        names = ("queue", "delay", "priority", "scheduled_for", "unique_key", "tags")
        given = {name: options[name] for name in names if options[name] is not None}
        definition = definition.using(**given)
        positional, named = definition.schema.from_json(read_params(options["params"]))
        job = definition.later(*positional, **named)
        if options["json"]:
            self._write_document(job)
            return
        self.write_line(str(job.id))
        if job.was_already_enqueued:
            self.stderr.write("A live job has this unique key; nothing was enqueued.")

    def _write_document(self, job: Job) -> None:
        was_already_enqueued = job.was_already_enqueued
        # The database decided some values, the due time among them.
        job.refresh_from_db()
        self.write_json(
            {
                "id": job.id,
                "job_name": job.job_name,
                "queue": job.queue,
                "priority": job.priority,
                "status": job.status,
                "scheduled_for": job.scheduled_for,
                "unique_key": job.unique_key,
                "tags": job.tags,
                "was_already_enqueued": was_already_enqueued,
            }
        )
