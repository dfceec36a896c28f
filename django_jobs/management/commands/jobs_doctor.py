"""``manage.py jobs_doctor``: what keeps jobs from running, and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from django_jobs.doctor import Condition, Finding, examine
from django_jobs.management.base import NOTHING_DONE, JobsCommand


class Command(JobsCommand):
    """Examine settings, database, workers and queues. Reads only."""

    help = (
        "Examine settings, database, workers and queues, and say how to mend what is wrong. "
        "Reads only. Ends with exit code 1 if there is a problem."
    )
    #: They are a row of the table.
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine."""
        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self._write(finding)
        counts = Counter(finding.condition for finding in findings)
        if options["json"]:
            self.write_json(
                {
                    "problems": counts[Condition.PROBLEM],
                    "warnings": counts[Condition.WARN],
                    "findings": [asdict(finding) for finding in findings],
                }
            )
        elif not counts[Condition.PROBLEM]:
            self.write_line("")
            self.write_line(f"Problems: none, warnings: {counts[Condition.WARN]}.")
        if counts[Condition.PROBLEM]:
            raise CommandError(
                f"Problems: {counts[Condition.PROBLEM]}, warnings: {counts[Condition.WARN]}.",
                returncode=NOTHING_DONE,
            )

    def _write(self, finding: Finding) -> None:
        # Row by row: a database in trouble takes its time, and what is known is shown.
        self.write_line(f"{finding.condition:<8} {finding.check:<21} {finding.found}")
        if finding.fix:
            self.write_line(f"{'':<30} → {finding.fix}")
