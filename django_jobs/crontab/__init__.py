"""Cron expressions: five fields, a time zone, and exact rules for clock changes.

Pure: no settings, no queries. :class:`Crontab` has the rules.
"""

from __future__ import annotations

from django_jobs.crontab.schedule import Crontab
from django_jobs.crontab.zones import zone_named

__all__ = ["Crontab", "zone_named"]
