"""What the pages of the admin ask the database."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

#: Statements that a page may make.
MOST_QUERIES = 8
#: Every page of an admin reads the session, the user, and what the user may; where Django holds a
#: transaction open, a test has a savepoint.
_EVERYWHERE = re.compile(
    r"FROM [\"`](django_session|auth_\w+|django_content_type)[\"`]|^(RELEASE )?SAVEPOINT "
)


def asked_by(client: Client, url: str, sent: Mapping[str, str] | None = None) -> list[str]:
    """The statements of a page, or of the answer to a form, but for those of every page."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url) if sent is None else client.post(url, sent)
    assert answer.status_code == 200, url
    return [one["sql"] for one in captured if not _EVERYWHERE.search(one["sql"])]
