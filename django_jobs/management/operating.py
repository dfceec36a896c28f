"""Base of the commands that do one operation to many jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError, CommandParser

from django_jobs.management.base import NOTHING_DONE, JobsCommand, operator
from django_jobs.management.selection import add_filters, add_ids, selected
from django_jobs.operations import OperationResult
from django_jobs.states import Status

#: Skipped jobs that are listed one by one.
LISTED: Final = 20


class OperatingCommand(JobsCommand):
    """Takes ids or filters, does its operation, reports what was skipped and why.

    Attributes:
        operation: one of :mod:`django_jobs.operations`, as a static method.
        statuses: those that ``--status`` takes: the ones the operation can do something to.
        if_omitted: statuses that filters without ``--status`` are about.
    """

    operation: ClassVar[Callable[..., OperationResult]]
    statuses: ClassVar[Collection[Status]]
    if_omitted: ClassVar[Collection[Status]]

    def add_arguments(self, parser: CommandParser) -> None:
        """Ids, filters, ``--yes``, ``--reason``."""
        add_ids(parser)
        add_filters(parser, self.statuses, if_omitted=", ".join(sorted(self.if_omitted)))
        parser.add_argument("--reason", default="", help="why; kept with the transitions")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        jobs = selected(options, self.if_omitted)
        result = type(self).operation(jobs, by=operator(), reason=options["reason"])
        if options["json"]:
            self._write_document(result)
        else:
            self._write_report(result)
        if not result.done:
            raise CommandError("Nothing was done.", returncode=NOTHING_DONE)

    def _write_document(self, result: OperationResult) -> None:
        skipped = {str(job_id): reason for job_id, reason in result.skipped.items()}
        self.write_json({"done": result.done, "skipped": skipped, "summary": result.summary()})

    def _write_report(self, result: OperationResult) -> None:
        self.write_line(result.summary())
        for job_id, reason in islice(result.skipped.items(), LISTED):
            self.write_line(f"  {job_id} skipped: {reason}")
        if len(result.skipped) > LISTED:
            self.write_line(f"  … and {len(result.skipped) - LISTED} more")
