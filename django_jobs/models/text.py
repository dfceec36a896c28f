"""Text that differs is different, on every database.

MariaDB and MySQL compare text without case, accents and trailing spaces unless a column says
otherwise: two unique keys, two queues or two jobs would be one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import CharField as ExactCharField
    from django.db.models import TextField as ExactTextField

#: From this version on MySQL has a collation by which trailing spaces count.
_WITH_SPACES: Final = (8, 0, 17)


def exact_collation(connection: Any) -> str:
    """The collation of MariaDB or MySQL that compares all bytes."""
    if connection.mysql_is_mariadb:
        return "utf8mb4_nopad_bin"
    return "utf8mb4_0900_bin" if connection.mysql_version >= _WITH_SPACES else "utf8mb4_bin"


class _Exact:
    """What both kinds of fields add to Django's: the schema editor asks for it."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """As Django's; with a collation where the default one is not exact."""
        parameters: dict[str, Any] = super().db_parameters(connection)  # type: ignore[misc]
        if connection.vendor == "mysql":
            parameters["collation"] = exact_collation(connection)
        return parameters


if not TYPE_CHECKING:  # for a type checker they are Django's own

    class ExactCharField(_Exact, models.CharField):
        """A ``CharField`` that compares bytes."""

    class ExactTextField(_Exact, models.TextField):
        """A ``TextField`` that compares bytes."""


__all__ = ["ExactCharField", "ExactTextField", "exact_collation"]
