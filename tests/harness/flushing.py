"""Empty tables after tests that commit, without making all content types and permissions anew.

Django empties those tables too, and fills them again by the signal ``post_migrate``, which takes
longer than most tests.
"""

from __future__ import annotations

from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase

#: What migrations filled and no test changes.
KEPT = frozenset({"django_content_type", "auth_permission"})


def install() -> None:
    """Let Django's test case empty tables our way; pytest-django's derives from it."""
    TransactionTestCase._fixture_teardown = _empty  # type: ignore[attr-defined]


def _empty(case: TransactionTestCase) -> None:
    for name in case._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        connection = connections[name]
        tables = connection.introspection.django_table_names(True, include_views=False)
        statements = connection.ops.sql_flush(no_style(), sorted({*tables} - KEPT))
        connection.ops.execute_sql_flush(statements)
