"""A site of its own with one app, ``shop``, to be broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.harness.environment import ROOT, subprocess_environment

SETTINGS = """
from testproject.settings import *
INSTALLED_APPS = [
    "shop", "django_jobs", "django.contrib.auth", "django.contrib.contenttypes",
]
MIDDLEWARE = []
ROOT_URLCONF = "shop"
urlpatterns = []
"""


class Site:
    """Commands of ``manage.py`` in a site whose files the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "shop").mkdir()
        self.write("__init__.py", "urlpatterns = []\n")
        (folder / "shop_settings.py").write_text(SETTINGS)

    def write(self, name: str, text: str) -> None:
        """Write a file of the app."""
        (self.folder / "shop" / name).write_text(text)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, on the database of the test."""
        environment = subprocess_environment() | {
            "DJANGO_SETTINGS_MODULE": "shop_settings",
            "PYTHONPATH": os.pathsep.join([str(self.folder), str(ROOT)]),
        }
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
