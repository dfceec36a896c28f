"""The shape of the house: small files with telling names, models that match their migrations."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.harness.environment import ROOT

PACKAGE = ROOT / "django_jobs"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE / "migrations")
#: What browsers get.
STATIC = sorted(path for path in (PACKAGE / "static").rglob("*") if path.suffix in (".css", ".js"))
LONGEST_FILE = 300

#: Imports every module of the package and then looks for what imports must not do.
IMPORT_EVERYTHING = """
import importlib, pkgutil, threading
import django_jobs
import django
django.setup()
for module in pkgutil.walk_packages(django_jobs.__path__, "django_jobs."):
    if ".contrib" not in module.name:
        importlib.import_module(module.name)
from django.db import connections
assert threading.active_count() == 1, threading.enumerate()
opened = [one.alias for one in connections.all() if one.connection is not None]
assert not opened, opened
"""


def shown(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", [*MODULES, *STATIC], ids=shown)
def test_a_file_holds_one_idea(path: Path) -> None:
    length = len(path.read_text().splitlines())
    assert length <= LONGEST_FILE, f"{length} lines: split it by idea"


def test_names_tell_what_is_inside() -> None:
    vague = {"utils.py", "helpers.py", "misc.py", "common.py", "tools.py"}
    assert not [shown(path) for path in MODULES if path.name in vague]


def test_annotations_are_never_evaluated() -> None:
    wanted = "from __future__ import annotations"
    filled = [path for path in MODULES if path.name != "__init__.py" and path.stat().st_size]
    assert not [shown(path) for path in filled if wanted not in path.read_text()]


@pytest.mark.django_db
def test_the_migrations_match_the_models() -> None:
    output = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=output, stderr=output)
    assert "No changes detected" in output.getvalue()


def test_an_import_starts_no_thread_and_opens_no_connection() -> None:
    command = [sys.executable, "-W", "error", "-c", IMPORT_EVERYTHING]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_the_package_needs_no_settings_to_be_imported() -> None:
    command = [sys.executable, "-W", "error", "-c", "import django_jobs"]
    environment = {"PATH": "/usr/bin:/bin"}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
