from __future__ import annotations

from django_jobs import plugins


class AuditConfig(plugins.PluginConfig):
    """Every part is named by its path: nothing is imported before the apps are ready."""

    name = "tests.plugins.audit"
    label = "audit"
    requires = ["django_jobs", "django.contrib.auth"]
    enqueue_middleware = ["tests.plugins.audit.middleware.stamp"]
    execute_middleware = ["tests.plugins.audit.middleware.watch"]
    claim_filters = ["tests.plugins.audit.middleware.only_admitted"]
    services = ["tests.plugins.audit.services.count_jobs"]
    receivers = {"job_completed": "tests.plugins.audit.receivers.remember"}
