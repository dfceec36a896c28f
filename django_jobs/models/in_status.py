"""``InStatus``: a list of statuses as a condition that SQLite recognises."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.lookups import Lookup

from django_jobs.states import Status

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler


class InStatus(Lookup):
    """``status IN ('retrying', 'scheduled')``, in the words of the partial indexes.

    SQLite takes a partial index only if the statement has the index's condition as it stands;
    with parameters in the list it reads the whole table, at every look of the promoter.

    A lookup, for of any other condition Django asks MariaDB whether it ``= 1``, and that would
    read the whole table too.
    """

    prepare_rhs = False

    def __init__(self, statuses: Collection[Status]) -> None:
        # Sorted, as in the indexes. They are constants of ours: nothing to be escaped.
        words = tuple(f"'{Status(status)}'" for status in sorted(statuses))
        super().__init__(models.F("status"), words)

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """The list, with its words in the text of the statement."""
        status, parameters = self.process_lhs(compiler, connection)
        return f"{status} IN ({', '.join(self.rhs)})", tuple(parameters)
