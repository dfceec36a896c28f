"""What a ``manage.py`` process needs to work on the database of the running test."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection, connections

ROOT = Path(__file__).resolve().parents[2]


def url_of_the_test_database() -> str:
    """The ``DATABASE_URL`` of the test database, with the suffix of a parallel run."""
    settings = connection.settings_dict
    name = str(settings["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    password = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    host = settings["OPTIONS"].get("host")
    query = f"?{urlencode({'host': host})}" if host else ""
    place = f"{quote(settings['USER'], safe='')}{password}@{settings['HOST']}{port}"
    return f"postgres://{place}/{quote(name, safe='')}{query}"


def subprocess_environment(**configuration: object) -> dict[str, str]:
    """The environment for ``manage.py …`` on the test database.

    ``configuration``: keys of DJANGO_JOBS, as in ``subprocess_environment(LEASE=2)``.
    """
    return {
        **os.environ,
        "DATABASE_URL": url_of_the_test_database(),
        "BUFFER_DATABASE_URL": f"sqlite:///{connections['buffer'].settings_dict['NAME']}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONUNBUFFERED": "1",
        **{f"DJANGO_JOBS_{key}": str(value) for key, value in configuration.items()},
    }
