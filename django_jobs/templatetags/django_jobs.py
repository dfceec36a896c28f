"""``{% load django_jobs %}``: jobs on a site's own pages."""

from __future__ import annotations

from typing import Any

from django import template

from django_jobs.models import Job
from django_jobs.progress import Progress, address_of

register = template.Library()


@register.inclusion_tag("django_jobs/progress.html")
def job_progress(job: Job | None, message: bool = False) -> dict[str, Any]:
    """A bar that moves while the job runs: ``{% job_progress job %}``.

    Whoever sees the page may see it; nobody else, and no login is needed. Without JavaScript it
    shows the state of the moment and a link that loads the page again.

    Args:
        job: which one; nothing is shown for ``None``.
        message: whether to show what the job says with ``update_progress()``, which may be
            nothing for everybody's eyes.
    """
    if job is None:
        return {"jobs": None}
    return {
        "jobs": Progress.of(job, message=message),
        "jobs_address": address_of(job, message=message),
    }
