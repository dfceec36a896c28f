"""Whether a worker is alive, told by its heartbeat."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from django_jobs.conf import config
from django_jobs.models import WorkerProcess


def is_healthy(worker: str) -> bool:
    """Whether a process of the worker had a heartbeat within one lease."""
    recent = Now() - timedelta(seconds=config.LEASE)
    return WorkerProcess.objects.filter(worker_id=worker, last_heartbeat_at__gte=recent).exists()
