"""System checks, ids ``django_jobs.E…`` and ``django_jobs.W…``. Importing registers them."""

from __future__ import annotations

from django_jobs.checks.configuration import (
    check_classes,
    check_configuration,
    check_lease,
    check_permission_hook,
    check_queues,
    check_time_zones,
)
from django_jobs.checks.databases import (
    check_database_version,
    check_pool,
    check_sqlite,
)
from django_jobs.checks.disks import check_sqlite_disk
from django_jobs.checks.recovery import check_recovery, check_recovery_migrations
from django_jobs.checks.routing import check_migrations, check_routing
from django_jobs.checks.servers import check_mysql, check_pooler

__all__ = [
    "check_classes",
    "check_configuration",
    "check_database_version",
    "check_lease",
    "check_migrations",
    "check_mysql",
    "check_permission_hook",
    "check_pool",
    "check_pooler",
    "check_queues",
    "check_recovery",
    "check_recovery_migrations",
    "check_routing",
    "check_sqlite",
    "check_sqlite_disk",
    "check_time_zones",
]
