"""Addresses of the pages of jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.http import urlencode

if TYPE_CHECKING:
    from uuid import UUID


def job_url(job_id: UUID) -> str:
    """The page of a job."""
    return reverse("admin:django_jobs_job_change", args=[quote(job_id)])


def jobs_url(**query: str) -> str:
    """The list of jobs, filtered."""
    return f"{reverse('admin:django_jobs_job_changelist')}?{urlencode(query)}"


def jobs_with(qualifier: str, value: str, **query: str) -> str:
    """The list of jobs, searched for a value exactly as it is."""
    quoted = re.sub(r'(["\\])', r"\\\1", value)
    return jobs_url(q=f'{qualifier}:"{quoted}"', **query)
