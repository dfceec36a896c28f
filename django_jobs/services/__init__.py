"""The periodic duties of a worker. Each is one function; every worker may run any at any time."""

from __future__ import annotations

from typing import Final

from django_jobs.conf import config
from django_jobs.plugins import Service, plugin_services
from django_jobs.queue_operations import resume_due_queues
from django_jobs.services.cron import fire_due_crons
from django_jobs.services.failures import settle_failures
from django_jobs.services.promote import expire_late, promote_due
from django_jobs.services.recover import recover_buffered
from django_jobs.services.rescue import forget_silent_processes, rescue_lost
from django_jobs.services.rollup import merge_rollups
from django_jobs.services.sample import sample_queues

#: Seconds.
SAMPLE_INTERVAL: Final = 20.0
ROLLUP_INTERVAL: Final = 60.0
FAILURES_INTERVAL: Final = 60.0

_BUILT_IN: Final = (
    Service("promote", lambda: config.POLL_INTERVAL, promote_due),
    Service("resume", lambda: config.POLL_INTERVAL, resume_due_queues),
    Service("expire", lambda: config.POLL_INTERVAL, expire_late),
    Service("cron", lambda: config.POLL_INTERVAL, fire_due_crons),
    Service("rescue", lambda: config.SWEEP_INTERVAL, rescue_lost),
    Service("recover", lambda: config.SWEEP_INTERVAL, recover_buffered),
    Service("forget", lambda: config.LEASE, forget_silent_processes),
    Service("sample", lambda: SAMPLE_INTERVAL, sample_queues),
    Service("rollup", lambda: ROLLUP_INTERVAL, merge_rollups),
    Service("failures", lambda: FAILURES_INTERVAL, settle_failures),
)


def all_services() -> list[Service]:
    """The built-in services and those of the plugins."""
    return [*_BUILT_IN, *plugin_services]


__all__ = ["Service", "all_services"]
