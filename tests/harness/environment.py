"""What a ``manage.py`` process needs to work on the database of the running test."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, connections

ROOT = Path(__file__).resolve().parents[2]

#: Set behind a pooler: the ``DATABASE_URL`` that leads past it.
DIRECT_URL_VARIABLE = "RUNJOBS_TESTS_DIRECT_URL"

#: The scheme of a ``DATABASE_URL``, and the options that find the server.
SCHEMES = {"postgresql": ("postgres", "host"), "mysql": ("mysql", "unix_socket")}


def is_pooled() -> bool:
    """Whether a pooler stands between the tests and PostgreSQL."""
    return DIRECT_URL_VARIABLE in os.environ


#: For tests of what a session keeps.
needs_session = pytest.mark.skipif(
    is_pooled(), reason="a pooler gives the session to others after each transaction"
)


def url_of_the_test_database() -> str:
    """The ``DATABASE_URL`` of the test database, with the suffix of a parallel run."""
    settings = connection.settings_dict
    name = str(settings["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    scheme, option = SCHEMES[connection.vendor]
    password = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    socket = settings["OPTIONS"].get(option)
    query = f"?{urlencode({option: socket})}" if socket else ""
    place = f"{quote(settings['USER'], safe='')}{password}@{settings['HOST']}{port}"
    return f"{scheme}://{place}/{quote(name, safe='')}{query}"


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
