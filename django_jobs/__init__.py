"""Background jobs for Django that live in the site's own database.

Names load on first use (PEP 562), so that importing the package costs next to nothing and
works before the app registry is ready.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_jobs.context import JobContext
    from django_jobs.decorator import job
    from django_jobs.definitions import JobDefinition
    from django_jobs.exceptions import Cancel, Discard, JobsError, Retry, Snooze
    from django_jobs.models import Job
    from django_jobs.priority import Priority
    from django_jobs.result import JobResult
    from django_jobs.schedules import cron
    from django_jobs.states import Status

__version__ = "0.1.0"

_HOMES = {
    "Cancel": "exceptions",
    "Discard": "exceptions",
    "Job": "models",
    "JobContext": "context",
    "JobDefinition": "definitions",
    "JobResult": "result",
    "JobsError": "exceptions",
    "Priority": "priority",
    "Retry": "exceptions",
    "Snooze": "exceptions",
    "Status": "states",
    "cron": "schedules",
    "job": "decorator",
}

__all__ = [
    "Cancel",
    "Discard",
    "Job",
    "JobContext",
    "JobDefinition",
    "JobResult",
    "JobsError",
    "Priority",
    "Retry",
    "Snooze",
    "Status",
    "cron",
    "job",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'django_jobs' has no attribute {name!r}") from None
    value = getattr(import_module(f"django_jobs.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
