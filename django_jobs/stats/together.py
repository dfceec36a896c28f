"""Several small questions in one statement, so that a page that asks much does not ask often."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet


def together(*parts: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """The rows of all parts, one after the other.

    Django's own ``union`` refuses slices of its parts on SQLite; here each may be ordered and cut.

    Args:
        parts: results of ``values_list`` of one database, with columns of the same types.
    """
    union = _Union(parts)
    return union.rows(union.sql)


def counted(*parts: QuerySet[Any, Any]) -> list[tuple[Any, Any, int, Any]]:
    """Count the rows of all parts by their first two columns; with the least of the third.

    A part that is cut bounds what is counted of it.

    Args:
        parts: as for :func:`together`, of three columns.
    """
    union = _Union(parts)
    if not union.sql:
        return []
    one, two, three = union.names
    # The names are those of columns and annotations of ours.
    counts = f"SELECT {one}, {two}, MIN({three}), COUNT(*) FROM ({union.sql}) AS found "  # noqa: S608
    return [(*key, number, least) for *key, least, number in union.rows(f"{counts} GROUP BY 1, 2")]


class _Union:
    """The statement, its parameters and what makes Python's values of its columns."""

    def __init__(self, parts: tuple[QuerySet[Any, Any], ...]) -> None:
        self._connection = connections[parts[0].db]
        self._parameters: list[Any] = []
        self._compiler: Any = None
        statements = [self._statement(part, number) for number, part in enumerate(parts)]
        self.sql = " UNION ALL ".join(filter(None, statements))

    @property
    def names(self) -> list[str]:
        """The names of the columns: those of the first part."""
        return [
            self._connection.ops.quote_name(alias or column.target.column)
            for column, _, alias in self._compiler.select
        ]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run it; columns that follow the parts' own stay as they come."""
        if not sql:
            return []
        with self._connection.cursor() as cursor:
            cursor.execute(sql, self._parameters)
            found = cursor.fetchall()
        columns = [column for column, *_ in self._compiler.select]
        converters = self._compiler.get_converters(columns)
        return [tuple(row) for row in self._compiler.apply_converters(found, converters)]

    def _statement(self, part: QuerySet[Any, Any], number: int) -> str:
        compiler: Any = part.query.get_compiler(connection=self._connection)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return ""
        self._compiler = self._compiler or compiler
        self._parameters.extend(parameters)
        return f"SELECT * FROM ({sql}) AS part_{number}"  # noqa: S608 - Django's own statement
