"""Rows by the million, as django_jobs itself would have left them.

One real job is enqueued or run; SQL copies its row and its transitions, whatever columns they
have, with new ids and times.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import connection, models

#: An id like those that jobs get: the time in milliseconds, a version, and what looks random.
NEW_ID: Final = """(
    lpad(to_hex((extract(epoch FROM original.created_at) * 1000)::bigint + {shift} + number / 10),
         12, '0')
    || '7' || substr(md5(number::text), 1, 3)
    || '8' || substr(md5('{kind}' || number::text), 1, 15)
)::uuid"""

#: How the copies differ from the original, beside their ids.
CHANGES: Final[dict[str, dict[str, str]]] = {
    "finished": {"completed_at": "original.completed_at - number * interval '10 ms'"},
    "future": {"scheduled_for": "original.scheduled_for + number * interval '1 s'"},
    "other": {},
    "due": {},
}


def fill(kind: str, count: int) -> None:
    """Fill the tables with ``count`` jobs: finished, future, due, or due in another queue."""
    original = _original(kind)
    # Finished ones are older than what comes now, the others came just before it.
    shift = -count // 10 - 1
    _copy_jobs(kind, count, original, shift)
    _copy_transitions(kind, count, original, shift)


def _original(kind: str) -> Any:
    from benchmarks.jobs import noop
    from django_jobs.models import Job

    match kind:
        case "finished":
            noop.now()
            return Job.objects.get()
        case "future":
            return noop.using(delay=timedelta(days=1)).later()
        case "other":
            return noop.using(queue="other").later()
        case _:
            return noop.later()


def _copy_jobs(kind: str, count: int, original: Any, shift: int) -> None:
    model = type(original)
    changes = {"id": NEW_ID.format(kind=kind, shift=shift), **CHANGES[kind]}
    columns = _columns(model)
    values = [changes.get(column, f'original."{column}"') for column in columns]
    _execute(
        f"""
        INSERT INTO {model._meta.db_table} ({_quoted(columns)})
        SELECT {", ".join(values)}
        FROM (SELECT * FROM {model._meta.db_table} WHERE id = %s) AS original,
        generate_series(1, %s) AS number
        """,
        [original.pk, count],
    )


def _copy_transitions(kind: str, count: int, original: Any, shift: int) -> None:
    from django_jobs.models import JobTransition

    table, jobs = JobTransition._meta.db_table, type(original)._meta.db_table
    columns = [column for column in _columns(JobTransition) if column not in ("id", "job_id")]
    moves = ", ".join(f'move."{column}"' for column in columns)
    _execute(
        f"""
        INSERT INTO {table} (job_id, {_quoted(columns)})
        SELECT {NEW_ID.format(kind=kind, shift=shift)}, {moves}
        FROM (SELECT * FROM {jobs} WHERE id = %s) AS original
        JOIN {table} AS move ON move.job_id = original.id,
        generate_series(1, %s) AS number
        """,
        [original.pk, count],
    )


def _columns(model: type[models.Model]) -> list[str]:
    return [str(field.column) for field in model._meta.local_concrete_fields]


def _quoted(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _execute(statement: str, parameters: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
