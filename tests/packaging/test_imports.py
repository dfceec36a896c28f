"""What a web process loads: enough to enqueue, and nothing that only workers need."""

from __future__ import annotations

import subprocess
import sys

from tests.harness.environment import ROOT

WEB_PROCESS = """
import sys
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django_jobs"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
import django
django.setup()
from django_jobs import job
for_workers = ["croniter", "ctypes", "psycopg", "pydantic"]
for_workers += [f"django_jobs.{name}" for name in ("runtime", "services", "execution", "admin")]
print(*[name for name in for_workers if name in sys.modules])
"""


def test_a_web_process_loads_little() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WEB_PROCESS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
