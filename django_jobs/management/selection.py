"""Which jobs a command is about: filters, or ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from django_jobs.management.arguments import job_id, job_name, queue_name
from django_jobs.management.base import bad_input
from django_jobs.models import Job, JobQuerySet
from django_jobs.states import Status


def add_filters(parser: CommandParser, statuses: Collection[Status], if_omitted: str) -> None:
    """Add ``--status`` (one of ``statuses``, repeatable), ``--queue`` and ``--name``."""
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        choices=sorted(str(status) for status in statuses),
        help=f"repeatable; {if_omitted} if omitted",
    )
    parser.add_argument("--queue", type=queue_name, help="jobs of this queue")
    parser.add_argument(
        "--name", type=job_name, help="jobs of this definition, by its registered name"
    )


def add_ids(parser: CommandParser) -> None:
    """Add ids as positional arguments, and ``--yes`` for filters without ids."""
    parser.add_argument("ids", nargs="*", type=job_id, metavar="ID", help="ids of jobs")
    parser.add_argument(
        "--yes", action="store_true", help="needed with filters: they may match any number"
    )


def filtered(options: Mapping[str, Any]) -> JobQuerySet:
    """The jobs that match the filters; all, if there are none."""
    jobs = Job.objects.all()
    if options["status"]:
        jobs = jobs.filter(status__in=options["status"])
    if options["queue"] is not None:
        jobs = jobs.for_queue(options["queue"])
    if options["name"] is not None:
        jobs = jobs.named(options["name"])
    return jobs


def selected(
    options: Mapping[str, Any], if_omitted: Collection[Status]
) -> JobQuerySet | list[UUID]:
    """The ids, or the jobs that match the filters in one of the statuses ``if_omitted``.

    Raises:
        CommandError: both or none were given, or filters without ``--yes``.
    """
    has_filters = any(options[name] for name in ("status", "queue", "name"))
    if options["ids"] and has_filters:
        raise bad_input("ID, --status, --queue, --name: give ids or filters, not both.")
    if options["ids"]:
        return list(dict.fromkeys(options["ids"]))
    if not has_filters:
        raise bad_input("Give ids of jobs, or filters: --status, --queue, --name.")
    jobs = filtered({**options, "status": options["status"] or sorted(if_omitted)})
    if not options["yes"]:
        raise bad_input(f"--yes: needed with filters; matching now: {jobs.count()}.")
    return jobs
