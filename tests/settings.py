"""The test project's settings with the tests as apps, whose ``jobs.py`` hold their jobs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from testproject.settings import *  # noqa: F403
from testproject.settings import DATABASES, env, prepare_sqlite
from testproject.settings import INSTALLED_APPS as PROJECT_APPS
from testproject.settings import MIDDLEWARE as PROJECT_MIDDLEWARE

DEBUG = False
INSTALLED_APPS = [*PROJECT_APPS, "tests", "tests.processes", "tests.faults"]
if os.environ.get("RUNJOBS_TESTS_POOL"):
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 12}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MIDDLEWARE = [*PROJECT_MIDDLEWARE, "tests.harness.policy.strict_policy"]

#: A second one, for the enqueue buffer: a file of this process, or of the one that started it.
DATABASES["buffer"] = env.db(
    "BUFFER_DATABASE_URL",
    default=f"sqlite:///{Path(tempfile.gettempdir()) / f'runjobs-buffer-{os.getpid()}.sqlite3'}",
)
prepare_sqlite(DATABASES["buffer"])
