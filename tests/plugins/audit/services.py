"""A periodic duty."""

from __future__ import annotations

from django_jobs.models import Job
from django_jobs.plugins import Service

count_jobs = Service("audit.count", lambda: 60.0, lambda: Job.objects.count())
