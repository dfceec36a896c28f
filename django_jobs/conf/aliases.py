"""Environment variables of the source systems that stand for a key of ours.

A key in seconds is also read from its alias with ``_MS`` or ``_SECONDS`` at the end.
Variables of the source systems that are not listed have no meaning here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from django_jobs.conf.keys import KEYS

#: alias → key
ALIASES: Final[Mapping[str, str]] = {
    "JOB_TRACKING_ENABLED": "TRACKING_ENABLED",
    "JOB_TRACKING_PERSIST_TRANSITIONS": "TRACKING_PERSIST_TRANSITIONS",
    "JOB_TRACKING_CLEANUP_ENABLED": "CLEANUP_ENABLED",
    "JOB_TRACKING_CLEANUP_RETENTION_DAYS": "CLEANUP_RETENTION_DAYS",
    "JOB_TRACKING_CLEANUP_INTERVAL": "CLEANUP_INTERVAL",
    "JOB_TRACKING_CLEANUP_MAX_BATCHES": "CLEANUP_MAX_BATCHES",
    "WORKER_CONCURRENCY": "CONCURRENCY",
    "WORKER_RETRIES": "MAX_ATTEMPTS",
}

_DIVISORS: Final = {"": 1.0, "_SECONDS": 1.0, "_MS": 1000.0}


def variables(key: str) -> Iterator[tuple[str, float]]:
    """Yield the environment variables that hold ``key``, the strongest first.

    Each comes with the number by which its value is divided to get the unit of the key.
    """
    yield f"DJANGO_JOBS_{key}", 1.0
    for alias, target in ALIASES.items():
        if target != key:
            continue
        for suffix, divisor in _DIVISORS.items():
            if not suffix or KEYS[key].unit == "seconds":
                yield alias + suffix, divisor
