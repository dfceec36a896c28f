"""What a job is about: a row of some other table, as ``app.model:key`` in ``Job.subject``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db.models import F, Model
from django.db.models.lookups import Lookup

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

#: Characters of ``Job.subject``.
SUBJECT_MAX: Final = 200


def subject_of(row: Model) -> str:
    """The text that stands for a saved row; the same for its proxies."""
    model = row._meta.concrete_model or type(row)
    return f"{model._meta.label_lower}:{row.pk}"


class HasSubject(Lookup):
    """``NOT subject = ''``, in the words of the partial index: SQLite knows it by no others."""

    prepare_rhs = False

    def __init__(self) -> None:
        super().__init__(F("subject"), "''")

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """The condition, with the empty text in the text of the statement."""
        subject, parameters = self.process_lhs(compiler, connection)
        return f"NOT ({subject} = '')", tuple(parameters)
