"""Settings of the test project: the demo and the tests run on them.

``DATABASE_URL`` picks the database; without it a SQLite file beside ``manage.py`` is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django
import environ

env = environ.Env()

PROJECT_FOLDER = Path(__file__).resolve().parent
BASE_DIR = PROJECT_FOLDER.parent

# For development only: the test project is never deployed.
SECRET_KEY = "development-only-" + "0" * 40
DEBUG = env.bool("DEBUG", default=True)
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]

INSTALLED_APPS = [
    "testproject.quakes",
    "django_jobs",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "testproject.urls"
WSGI_APPLICATION = "testproject.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def prepare_sqlite(database: dict[str, Any]) -> None:
    """Let several processes write to one SQLite file, which its defaults do not.

    Write-ahead log: readers never wait for the writer. IMMEDIATE: a transaction takes the write
    lock when it begins, so that two of them cannot dead-lock half way. Timeout: seconds that a
    writer waits for its turn. The tests need a file as well, because real workers share it.
    """
    database["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    file = Path(database["NAME"])
    database["TEST"] = {"NAME": str(file.with_name(f"test_{file.name}"))}


def prepare_mysql(database: dict[str, Any]) -> None:
    """Let the database's clock tell UTC, as Django's own times are; its default is the server's."""
    database["OPTIONS"]["init_command"] = "SET time_zone = '+00:00'"


DATABASES = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}"),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    prepare_sqlite(DATABASES["default"])
elif DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    prepare_mysql(DATABASES["default"])
elif env.bool("TRANSACTION_POOLER", default=False):
    # As behind PgBouncer in transaction mode.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Mails become files, so that the demo can show what it "sent".
OUTBOX_FOLDER = PROJECT_FOLDER / "outbox"
MAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": MAIL_BACKEND, "OPTIONS": {"file_path": OUTBOX_FOLDER}}}
else:
    EMAIL_BACKEND = MAIL_BACKEND
    EMAIL_FILE_PATH = OUTBOX_FOLDER
DEFAULT_FROM_EMAIL = "alerts@example.org"

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]

STATIC_URL = "static/"
STATIC_ROOT = PROJECT_FOLDER / "static_root"
