"""Which jobs a user sees, where a site has rules of its own for single jobs and queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django_jobs.admin.shared.beside import Beside
from django_jobs.permissions import has_own_rules, may

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

    from django_jobs.models import Job

#: Answers of the rules, which may be slow, by name and queue.
_ANSWERS: Final = Beside[dict[tuple[str | None, str | None], bool]]("sight")


def sees(request: HttpRequest, job_name: str | None = None, queue: str | None = None) -> bool:
    """Whether the user sees such jobs, provided that he sees any.

    Args:
        request: of the user.
        job_name: all jobs of this name, whatever their queue, when there is no queue.
        queue: all jobs of this queue, whatever their name, when there is no name.
    """
    if not has_own_rules():
        return True
    answers, key = _ANSWERS.first(request, {}), (job_name, queue)
    if key not in answers:
        answers[key] = may(request.user, "view_job", job_name=job_name, queue=queue)
    return answers[key]


def seen(request: HttpRequest, jobs: Iterable[Job]) -> list[Job]:
    """Those of some jobs that the user sees."""
    return [job for job in jobs if sees_kind(request, job.job_name, job.queue)]


def sees_kind(request: HttpRequest, job_name: str, queue: str) -> bool:
    """Whether the user sees such jobs: rules may look at the name, the queue, or both together."""
    asked = ((job_name, None), (None, queue), (job_name, queue))
    return all(sees(request, *one) for one in asked)
