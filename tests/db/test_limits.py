"""Statements of a worker's own are ended by the server, and nothing else notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from django_jobs.models import Job, Queue
from django_jobs.stores.limits import limited
from django_jobs.stores.outages import is_outage
from tests import jobs

pytestmark = pytest.mark.django_db(transaction=True)

only_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="how PostgreSQL is told the limit"
)
only_servers = pytest.mark.skipif(
    "connection.vendor == 'sqlite'", reason="SQLite ends no statement by itself"
)
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a setting of SQLite")


class Counter:
    """Counts statements."""

    def __init__(self) -> None:
        self.begun = self.ended = 0

    def begin(self) -> None:
        self.begun += 1

    def end(self) -> None:
        self.ended += 1


SLEEP = {"postgresql": "SELECT pg_sleep(20)", "mysql": "SELECT SLEEP(20)"}
nothing = Counter()


def value(sql: str, on: Any = connection) -> Any:
    with on.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.fixture
def server_binding() -> Iterator[Any]:
    """A connection whose driver sends the parameters beside the statement."""
    other = connection.copy("server_binding")
    other.settings_dict = {
        **connection.settings_dict,
        "OPTIONS": {**connection.settings_dict["OPTIONS"], "server_side_binding": True},
    }
    connections["server_binding"] = other
    yield other
    other.close()
    del connections["server_binding"]


@only_servers
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_statement_that_takes_too_long_fails_as_in_an_outage(in_transaction: bool) -> None:
    def run() -> None:
        if in_transaction:
            with transaction.atomic():
                value(SLEEP[connection.vendor])
        else:
            value(SLEEP[connection.vendor])

    began = time.monotonic()
    with pytest.raises(OperationalError) as caught, limited(connection, 0.2, nothing):
        run()
    assert time.monotonic() - began < 10
    assert is_outage(caught.value)
    assert value("SELECT 1") == 1


@only_servers
def test_results_are_those_of_the_statement() -> None:
    counter = Counter()
    value("SELECT 1")  # to connect may take statements of its own
    with limited(connection, 5, counter):
        with CaptureQueriesContext(connection) as queries:
            Queue.objects.create(name="one")
            assert Queue.objects.filter(name="one").update(paused_by="x") == 1
            assert Queue.objects.filter(name="two").update(paused_by="x") == 0
            assert list(Queue.objects.values_list("name", flat=True)) == ["one"]
            assert Queue.objects.filter(name="one").exists()
        assert len(queries) == counter.begun == counter.ended == 5, "one statement each"
        with transaction.atomic():
            assert [queue.name for queue in Queue.objects.iterator()] == ["one"]
            assert Queue.objects.all().delete()[0] == 1


@only_postgres
def test_the_session_keeps_nothing() -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout")
    with limited(connection, 5, nothing):
        assert value("SELECT current_setting('statement_timeout')") == "5s"
        with transaction.atomic():
            inside = [value(f"SELECT current_setting('{name}')") for name in names]
    assert inside == ["5s", "5s"]
    assert [value(f"SELECT current_setting('{name}')") for name in names] == ["0", "0"]


@only_postgres
def test_jobs_and_producers_are_not_limited() -> None:
    with limited(connection, 0.05, nothing):
        value("SELECT 1")
    assert value("SELECT 1 FROM pg_sleep(0.2)") == 1


@only_postgres
def test_statements_that_suffer_no_other_beside_them_go_alone() -> None:
    with limited(connection, 5, nothing), connection.cursor() as cursor:
        cursor.execute("VACUUM django_jobs_queue")


@only_postgres
def test_parameters_beside_the_statement(server_binding: Any) -> None:
    with limited(server_binding, 0.2, nothing):
        assert value("SELECT current_setting('statement_timeout')", server_binding) == "200ms"
        with transaction.atomic(using="server_binding"):
            assert value("SELECT current_setting('statement_timeout')", server_binding) == "200ms"
            assert not Job.objects.using("server_binding").filter(queue="none").exists()
        with pytest.raises(OperationalError):
            value("SELECT pg_sleep(20)", server_binding)
    assert value("SELECT current_setting('statement_timeout')", server_binding) == "0"


@only_postgres
def test_prepared_statements_go_on(settings: Any) -> None:
    with limited(connection, 5, nothing):
        for number in range(10):
            jobs.add.later(a=number)
        with transaction.atomic():
            jobs.add.later_many([{"a": number} for number in range(3)])
    assert Job.objects.count() == 13


@only_sqlite
@pytest.mark.parametrize(("seconds", "expected"), [(2.0, 2000), (3600.0, 30_000)])
def test_waiting_for_the_write_lock_is_limited(seconds: float, expected: int) -> None:
    connection.close()
    try:
        with limited(connection, seconds, nothing):
            assert value("PRAGMA busy_timeout") == expected
    finally:
        connection.close()
    assert value("PRAGMA busy_timeout") == 30_000
