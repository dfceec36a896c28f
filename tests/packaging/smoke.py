"""Try the built wheel where nothing else is installed: ``python smoke.py WHEEL SOURCES``.

``SOURCES`` is a file that lists the package's source files, one per line; all of them must be
in the wheel. Run from an empty folder, so that nothing of the source tree is imported by accident.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
execute_from_command_line(sys.argv)
"""

SETTINGS = """
SECRET_KEY = "smoke"
ROOT_URLCONF = "shop.urls"
ALLOWED_HOSTS = ["testserver"]
INSTALLED_APPS = [
    "shop", "django_jobs", "django.contrib.admin", "django.contrib.auth",
    "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "smoke.sqlite3",
    "OPTIONS": {
        "timeout": 30, "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
"""

URLS = """
from django.contrib import admin
from django.urls import path
urlpatterns = [path("admin/", admin.site.urls)]
"""

JOBS = """
from pathlib import Path
from django_jobs import job

@job()
def greet(name: str) -> str:
    Path("greeting.txt").write_text(f"Hello {name}")
    return name
"""

ENQUEUE = """
from shop.jobs import greet
greet.later(name="wheel")
"""

CHECK = """
from pathlib import Path
from django.contrib.auth.models import User
from django.test import Client
from django_jobs.models import Job
job = Job.objects.get(job_name__endswith="greet")
assert (job.status, job.result) == ("completed", "wheel"), (job.status, job.result, job.error)
assert Path("greeting.txt").read_text() == "Hello wheel"
client = Client()
client.force_login(User.objects.create_superuser("root"))
for page in ("", f"{job.pk}/change/"):
    answer = client.get(f"/admin/django_jobs/job/{page}")
    assert answer.status_code == 200, answer.status_code
"""


def check_contents(wheel: Path, sources: Path) -> None:
    """Every source file is in the wheel, and the kinds that are easily forgotten exist at all."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    missing = set(sources.read_text().split()) - packed
    assert not missing, f"not in the wheel: {sorted(missing)}"
    for kind in (
        "py.typed",
        "/migrations/0001",
        "/templates/",
        "/static/",
        "/de/LC_MESSAGES/django.mo",
        "licenses/LICENSE",
    ):
        assert any(kind in name for name in packed), f"the wheel holds no {kind}"


def make_project() -> None:
    """A project of one app with one job."""
    app = Path("shop")
    app.mkdir()
    Path("manage.py").write_text(MANAGE)
    for name, text in {"__init__": "", "settings": SETTINGS, "urls": URLS, "jobs": JOBS}.items():
        (app / f"{name}.py").write_text(text)


def manage(*arguments: str) -> None:
    print("manage.py", arguments[0], flush=True)
    subprocess.run([sys.executable, "-W", "error", "manage.py", *arguments], check=True)


def main() -> None:
    wheel, sources = map(Path, sys.argv[1:])
    check_contents(wheel, sources)
    make_project()
    manage("check", "--fail-level", "WARNING")
    manage("migrate", "--verbosity", "0")
    manage("shell", "--verbosity", "0", "-c", ENQUEUE)
    manage("runjobs", "--drain")
    manage("shell", "--verbosity", "0", "-c", CHECK)
    print("The wheel works.")


if __name__ == "__main__":
    main()
