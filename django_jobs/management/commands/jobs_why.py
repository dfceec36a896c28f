"""``manage.py jobs_why``: why a job is not running."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import router

from django_jobs.diagnosis import is_claimable, why_not_running
from django_jobs.management.arguments import job_id
from django_jobs.management.base import NOTHING_DONE, JobsCommand
from django_jobs.models import Job


class Command(JobsCommand):
    """Look at every condition of the claim and say which ones are not met."""

    help = "Say why a job is not running, the most important reason first. Reads only."

    def add_arguments(self, parser: CommandParser) -> None:
        """The id."""
        parser.add_argument("id", type=job_id, metavar="ID", help="id of a job")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Say it."""
        jobs = Job.objects.using(router.db_for_write(Job)).observed()
        job = jobs.filter(pk=options["id"]).first()
        if job is None:
            raise CommandError(f"There is no job {options['id']}.", returncode=NOTHING_DONE)
        reasons = why_not_running(job)
        if options["json"]:
            self.write_json(
                {
                    "id": job.pk,
                    "job_name": job.job_name,
                    "status": job.status,
                    "claimable": is_claimable(reasons),
                    "reasons": [asdict(reason) for reason in reasons],
                }
            )
            return
        self.write_line(f"{job.job_name} ({job.pk}): {job.get_status_display()}")
        for reason in reasons:
            self.write_line(f"  {reason.text}")
