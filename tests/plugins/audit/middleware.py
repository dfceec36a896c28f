"""What the plugin does while jobs are enqueued, executed and claimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_jobs.chains import EnqueueCall, ExecuteCall
from django_jobs.context import JobContext
from django_jobs.exceptions import JobsError
from django_jobs.models import Job, JobQuerySet

#: What ``watch`` saw: the name of the job and what became of it.
seen: list[tuple[str, Any]] = []


class NotAdmitted(JobsError):
    """The plugin refuses this job."""


def stamp(call_next: EnqueueCall, jobs: Sequence[Job]) -> Sequence[Job]:
    """Mark every new job; refuse those for a forbidden queue."""
    for job in jobs:
        if job.queue == "forbidden":
            raise NotAdmitted("queue: nothing may go there.")
        job.tags = [*job.tags, "audited"]
    return call_next(jobs)


def watch(call_next: ExecuteCall, context: JobContext) -> Any:
    """Note how each attempt went."""
    try:
        result = call_next(context)
    except Exception as error:
        seen.append((context.job_name, type(error).__name__))
        raise
    # An async job gives an awaitable here.
    seen.append((context.job_name, "awaitable" if hasattr(result, "__await__") else result))
    return result


def only_admitted(queryset: JobQuerySet) -> JobQuerySet:
    """Leave jobs of low priority to others."""
    return queryset.filter(priority__lt=100)
