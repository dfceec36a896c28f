"""Django's settings of the measured processes: the smallest that django_jobs runs with.

``BENCH_DSN`` names the database. Settings of django_jobs come as ``DJANGO_JOBS_…``.
"""

from __future__ import annotations

import os
from typing import Any

import environ

SECRET_KEY = "not-secret"  # noqa: S105
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

#: What most sites have, for measuring what django_jobs adds to them.
SITE = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
INSTALLED_APPS = [
    *(SITE if os.environ.get("BENCH_SITE") else []),
    *(["django.contrib.admin"] if os.environ.get("BENCH_SITE") == "admin" else []),
    *([] if os.environ.get("BENCH_BARE") else ["django_jobs", "benchmarks"]),
]

_database: dict[str, Any] = environ.Env.db_url_config(os.environ["BENCH_DSN"])
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # As docs/sqlite.md advises; BENCH_PRAGMA adds what it says about durability.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;" + os.environ.get("BENCH_PRAGMA", ""),
    }
DATABASES = {"default": _database}
