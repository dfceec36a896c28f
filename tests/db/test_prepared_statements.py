"""Statements are prepared on connections that go straight to PostgreSQL, and on no others."""

from __future__ import annotations

import pytest
from django.db import connection

from django_jobs.models import Job
from tests import jobs
from tests.harness.environment import needs_session
from tests.scenes import fresh, rolled_back

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's statements"),
    pytest.mark.django_db(transaction=True),
    needs_session,
]


@pytest.fixture(autouse=True)
def new_connection() -> None:
    connection.close()


def prepared_statements() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [row[0] for row in cursor.fetchall()]


def enqueue(count: int) -> None:
    for number in range(count):
        jobs.add.later(number)


def test_a_connection_that_enqueues_often_prepares() -> None:
    enqueue(4)
    assert prepared_statements() == []
    enqueue(6)
    (statement,) = prepared_statements()
    assert "INSERT" in statement
    assert Job.objects.count() == 10


def test_behind_a_pooler_nothing_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number that a pooler gives to its client is none of PostgreSQL's."""
    connection.ensure_connection()
    monkeypatch.setattr(type(connection.connection.info), "backend_pid", 1)
    enqueue(10)
    assert prepared_statements() == []
    assert Job.objects.count() == 10


def test_queries_of_others_stay_as_they_are() -> None:
    enqueue(10)
    before = prepared_statements()
    for _ in range(10):
        list(Job.objects.filter(queue="default"))
    assert prepared_statements() == before


def test_after_a_rollback() -> None:
    enqueue(10)
    with rolled_back():
        jobs.add.later(1)
    enqueue(2)
    assert Job.objects.count() == 12


def test_every_kind_of_option() -> None:
    enqueue(10)
    job = jobs.add.using(
        delay=100, timeout=2.5, tags=["a"], unique_key="k", correlation_id="c", priority=-40_000
    ).later(1)
    row = fresh(job)
    assert (row.timeout, row.tags, row.unique_key, row.correlation_id, row.priority) == (
        2.5,
        ["a"],
        "k",
        "c",
        -40_000,
    )
    assert row.scheduled_for > row.created_at


def test_conflicts_of_a_unique_key_leave_nothing_behind() -> None:
    once = jobs.add.using(unique_key="all")
    for number in range(20):
        once.later(number)
    assert Job.objects.count() == 1
    assert prepared_statements() == []


def test_a_server_that_went_away_is_noticed_as_everywhere() -> None:
    enqueue(10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
    other.close()
    connection.health_check_enabled = True
    connection.health_check_done = False
    jobs.add.later(1)
    assert Job.objects.count() == 11
