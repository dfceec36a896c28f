"""What MariaDB and MySQL need beyond the models: indexes without conditions.

They have no partial indexes. Django leaves out a unique constraint with a condition, and of an
index the condition. The indexes made here have the status as a column instead.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from django_jobs.models.text import exact_collation
from django_jobs.states import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.checks import CheckMessage
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

#: The unique key of a live job; NULL, of which an index may have many, for all others.
LIVE_KEY: Final = "live_unique_key"

JOB_TABLE: Final = "django_jobs_job"

#: Name → columns, for everything in the model's Meta that has a condition.
INDEXES: Final = {
    "django_jobs_claim": ("queue", "status", "priority", "scheduled_for", "id"),
    "django_jobs_promote": ("status", "scheduled_for"),
    "django_jobs_held": ("status", "worker_process"),
    "django_jobs_expire": ("status", "expires_at"),
    "django_jobs_prune": ("status", "completed_at"),
    "django_jobs_correlation": ("correlation_id",),
    "django_jobs_parent": ("parent_id", "id"),
    "django_jobs_subject": ("subject", "id"),
    "django_jobs_recover": ("status", "id"),
    "django_jobs_failure": ("fingerprint", "status", "completed_at"),
    "django_jobs_unique_key": (LIVE_KEY,),
}
UNIQUE: Final = "django_jobs_unique_key"

#: Django's warnings that it leaves out a unique constraint, or the condition of an index.
LEFT_OUT: Final = frozenset({"models.W036", "models.W037"})


def without_warnings(messages: Iterable[CheckMessage]) -> list[CheckMessage]:
    """A model's checks without those that do not know what is made here."""
    return [message for message in messages if message.id not in LEFT_OUT]


def prepare(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """For ``migrations.RunPython``: make what is missing; nothing on other databases.

    A schema change is no transaction there: a migration that was interrupted runs again, so each
    step looks first whether it has been done.
    """
    if schema_editor.connection.vendor == "mysql":
        _add_live_key(schema_editor)
        _change_indexes(schema_editor)


def _add_live_key(schema_editor: BaseDatabaseSchemaEditor) -> None:
    if LIVE_KEY in _columns(schema_editor):
        return
    statuses = ", ".join(f"'{status}'" for status in sorted(LIVE))
    schema_editor.execute(
        f"ALTER TABLE {JOB_TABLE} ADD COLUMN {LIVE_KEY} varchar(200) COLLATE "
        f"{exact_collation(schema_editor.connection)} GENERATED ALWAYS AS "
        f"(CASE WHEN status IN ({statuses}) THEN unique_key END) STORED"
    )


def _columns(schema_editor: BaseDatabaseSchemaEditor) -> set[str]:
    rows = _rows(
        schema_editor,
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = %s",
    )
    return {column for (column,) in rows}


def _change_indexes(schema_editor: BaseDatabaseSchemaEditor) -> None:
    there: dict[str, list[str]] = defaultdict(list)
    for name, column in _rows(
        schema_editor,
        "SELECT index_name, column_name FROM information_schema.statistics "
        "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY index_name, seq_in_index",
    ):
        there[name].append(column)
    known = _columns(schema_editor)
    parts: list[str] = []
    for name, columns in INDEXES.items():
        # What a later migration adds is indexed by that one.
        if there.get(name) == list(columns) or not known.issuperset(columns):
            continue
        if name in there:
            parts.append(f"DROP INDEX {name}")
        kind = "UNIQUE INDEX" if name == UNIQUE else "INDEX"
        parts.append(f"ADD {kind} {name} ({', '.join(columns)})")
    if parts:
        schema_editor.execute(f"ALTER TABLE {JOB_TABLE} {', '.join(parts)}")


def _rows(schema_editor: BaseDatabaseSchemaEditor, sql: str) -> list[Any]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql, [JOB_TABLE])
        return list(cursor.fetchall())
