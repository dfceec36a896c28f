"""A Django project without files, for the peers that live in one."""

from __future__ import annotations

from typing import Any

import django
from contract import django_database
from django.conf import settings
from django.core.management import call_command


def configure(*apps: str, **more: Any) -> None:
    """Set Django up with these apps and the database of the benchmark, as in production."""
    settings.configure(
        DATABASES={"default": django_database()},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DEBUG=False,
        INSTALLED_APPS=list(apps),
        SECRET_KEY="only-for-benchmarks-" + "0" * 40,
        USE_TZ=True,
        **more,
    )
    django.setup()


def migrate() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0)
