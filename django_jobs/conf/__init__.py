"""Settings of django_jobs.

``from django_jobs.conf import config``, then ``config.LEASE``. A value comes from, in this
order: the command line (:func:`override`), ``settings.DJANGO_JOBS["LEASE"]``, the environment
variable ``DJANGO_JOBS_LEASE``, an alias of the source systems (:mod:`.aliases`), the default.
"""

from __future__ import annotations

from django_jobs.conf.keys import Configuration
from django_jobs.conf.lazy import clear_overrides, config, describe, override, read, reset
from django_jobs.conf.queues import parse_queues
from django_jobs.conf.reading import Problem, Reading

__all__ = [
    "Configuration",
    "Problem",
    "Reading",
    "clear_overrides",
    "config",
    "describe",
    "override",
    "parse_queues",
    "read",
    "reset",
]
