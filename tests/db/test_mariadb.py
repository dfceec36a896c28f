"""What MariaDB and MySQL need that others have by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_jobs import checks
from django_jobs.exceptions import EnqueueUnavailable, PayloadTooLarge
from django_jobs.models import Job
from django_jobs.models.mysql import INDEXES, prepare
from django_jobs.stores import active_store
from tests import jobs
from tests.factories import JobFactory
from tests.harness.guard import guard_paused
from tests.scenes import claim, nothing_written

pytestmark = [
    pytest.mark.skipif(connection.vendor != "mysql", reason="MariaDB's and MySQL's own"),
    pytest.mark.django_db(transaction=True),
]

#: Far more of what is not looked for; statistics are brought up to date after it.
FILL = """
INSERT INTO django_jobs_job (id, job_name, queue, priority, params, tags, status, progress,
    progress_message, error, scheduled_for, expires_at, max_attempts, attempt_count,
    failure_count, crash_count, lease, correlation_id, completed_at)
SELECT {id}, 'tests.add', %s, seq %% 5, '{{}}', '[]', %s, 0, '', '', NOW(6) + INTERVAL %s SECOND,
    NULL, 3, 0, 0, 0, 0, '', IF(%s = 'completed', NOW(6), NULL)
FROM seq_1_to_{count}
"""


def fill(queue: str, status: str, count: int, seconds: int = 0) -> None:
    """Insert many rows at once, from MariaDB's table of numbers."""
    with guard_paused(), connection.cursor() as cursor:
        cursor.execute(FILL.format(id="UUID()", count=count), [queue, status, seconds, status])


@contextmanager
def explained() -> Iterator[list[dict[str, Any]]]:
    """The plans of the statements in the block that read or change jobs."""
    plans: list[dict[str, Any]] = []
    with CaptureQueriesContext(connection) as captured:
        yield plans
    for query in captured:
        sql = query["sql"]
        if "django_jobs_job`" in sql and sql.startswith(("SELECT", "UPDATE", "DELETE")):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + sql.replace("%", "%%"), [])
                names = [column[0] for column in cursor.description]
                plans += [
                    {"sql": sql, **dict(zip(names, row, strict=True))} for row in cursor.fetchall()
                ]


def reading_all(plans: list[dict[str, Any]]) -> list[str]:
    """The statements that read the whole table."""
    return [
        plan["sql"]
        for plan in plans
        if plan["table"] == "django_jobs_job" and plan["type"] in ("ALL", "index")
    ]


def test_indexes_have_the_columns_that_claiming_needs() -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "django_jobs_job")
    assert {name: tuple(found[name]["columns"]) for name in INDEXES} == INDEXES
    assert found["django_jobs_unique_key"]["unique"]


def test_a_migration_that_was_interrupted_runs_again() -> None:
    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE django_jobs_job DROP INDEX django_jobs_held")
        editor.execute("ALTER TABLE django_jobs_job DROP INDEX django_jobs_unique_key")
        prepare(None, editor)
        prepare(None, editor)
    test_indexes_have_the_columns_that_claiming_needs()


def test_two_live_jobs_of_one_key_are_refused_by_the_database() -> None:
    JobFactory(unique_key="k")
    with pytest.raises(IntegrityError), transaction.atomic():
        JobFactory(unique_key="k", status="scheduled")
    with guard_paused():
        JobFactory(unique_key="k", status="failed")
        JobFactory(unique_key="k", status="completed")
    assert Job.objects.count() == 3


def test_a_claim_reads_its_index_in_order_and_sorts_nothing() -> None:
    """A sort would lock every pending job before it knows which come first."""
    fill("default", "completed", 20_000)
    fill("other", "pending", 5_000)
    fill("default", "pending", 5_000)
    fill("default", "scheduled", 5_000, 3600)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE django_jobs_job")
        cursor.fetchall()
    with explained() as plans:
        assert len(claim(10)) == 10
    reads = [plan for plan in plans if plan["key"] == "django_jobs_claim"]
    assert len(reads) == 1
    assert not [plan for plan in plans if "filesort" in (plan["Extra"] or "")]
    assert {plan["key"] for plan in plans if plan["sql"].startswith("UPDATE")} == {"PRIMARY"}
    assert reading_all(plans) == []


def test_services_read_indexes() -> None:
    fill("default", "completed", 20_000)
    fill("default", "pending", 3_000)
    fill("default", "scheduled", 3_000, 3600)
    fill("late", "scheduled", 5, -60)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE django_jobs_job")
        cursor.fetchall()
    with explained() as plans:
        assert active_store().promote(100) == 5
        assert active_store().expire(100) == 0
        assert active_store().rescue(100) == []
        claimed = claim(5)
        assert active_store().renew([claimed_by(claimed[0].id)], 60.0) == 5
        assert len(active_store().held_by(claimed_by(claimed[0].id))) == 5
    assert reading_all(plans) == []


def claimed_by(job_id: Any) -> Any:
    return Job.objects.values_list("worker_process", flat=True).get(pk=job_id)


@contextmanager
def largest_packet(size: int) -> Iterator[None]:
    """New connections may not send more bytes than this in a statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.max_allowed_packet")
        ((before,),) = cursor.fetchall()
        cursor.execute("SET GLOBAL max_allowed_packet = %s", [size])
    connection.close()
    try:
        yield
    finally:
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SET GLOBAL max_allowed_packet = %s", [before])
        connection.close()


def test_arguments_that_the_server_does_not_take_are_told() -> None:
    with largest_packet(131_072):
        # Which of them depends on whether the server's reply comes before it hangs up.
        with pytest.raises((PayloadTooLarge, EnqueueUnavailable)):
            jobs.echo.later("x" * 200_000)
        connection.close()
        assert nothing_written()
        jobs.echo.later("x" * 20_000)
    assert Job.objects.count() == 1


# Checks


def ids(messages: list[Any]) -> list[str]:
    return [message.id.partition(".")[2] for message in messages]


def test_the_server_of_this_run_is_as_it_should_be() -> None:
    assert checks.check_mysql(databases=["default"]) == []
    assert checks.check_mysql(databases=["other"]) == checks.check_mysql() == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SET time_zone = '+02:00'", ["E012"]),
        ("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", ["W011"]),
    ],
)
def test_d94_settings_of_the_session_that_do_harm(statement: str, expected: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        assert ids(checks.check_mysql(databases=["default"])) == expected
    finally:
        connection.close()


def test_a_packet_smaller_than_the_arguments_may_be_is_told() -> None:
    with largest_packet(131_072):
        assert ids(checks.check_mysql(databases=["default"])) == ["W012"]


def test_tables_without_transactions_are_told() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_jobs_clusterlock ENGINE=MyISAM")
        try:
            (message,) = checks.check_mysql(databases=["default"])
        finally:
            cursor.execute("ALTER TABLE django_jobs_clusterlock ENGINE=InnoDB")
    assert "django_jobs_clusterlock" in message.msg
    assert ids([message]) == ["E011"]


def test_conditions_that_django_leaves_out_are_no_warning() -> None:
    messages = [*Job.check(databases=["default"])]
    assert [one for one in messages if one.id in ("models.W036", "models.W037")] == []


def test_an_error_of_the_database_is_no_integrity_error_by_accident() -> None:
    with pytest.raises(DatabaseError) as caught, transaction.atomic():
        Job.objects.create(job_name="any", progress=70_000)
    assert not isinstance(caught.value, IntegrityError)
