"""Addresses of the pages of jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django_jobs.admin.shared import shown
from django_jobs.admin.shared.addresses import here

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


def job_url(job_id: UUID) -> str:
    """The page of a job."""
    return here().job(job_id)


def jobs_url(**query: str) -> str:
    """The list of jobs, filtered."""
    return here().jobs(**query)


def jobs_with(qualifier: str, value: str, **query: str) -> str:
    """The list of jobs, searched for a value exactly as it is."""
    return jobs_url(q=exactly(qualifier, value), **query)


def exactly(qualifier: str, value: str) -> str:
    """A search for a value exactly as it is."""
    quoted = re.sub(r'(["\\])', r"\\\1", value)
    return f'{qualifier}:"{quoted}"'


def ended_within(since: datetime, until: datetime | None = None) -> str:
    """A search for jobs that ended in this time."""
    bounds = f"ended:>={_minute(since)}"
    return bounds if until is None else f"{bounds} ended:<{_minute(until)}"


def _minute(moment: datetime) -> str:
    return shown.local(moment).isoformat(timespec="minutes")
