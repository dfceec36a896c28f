"""System checks, ids ``django_jobs.E…`` and ``django_jobs.W…``. Importing registers them."""

from __future__ import annotations

from django_jobs.checks.configuration import (
    check_classes,
    check_configuration,
    check_lease,
    check_queues,
    check_time_zones,
)
from django_jobs.checks.databases import (
    check_database_version,
    check_pool,
    check_sqlite,
)

__all__ = [
    "check_classes",
    "check_configuration",
    "check_database_version",
    "check_lease",
    "check_pool",
    "check_queues",
    "check_sqlite",
    "check_time_zones",
]
