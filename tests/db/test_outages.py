"""Real errors of the database at hand, and what they mean."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from django.db import DatabaseError, Error, connection, transaction

from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.models import Job, Queue
from django_jobs.stores.outages import is_bad_data, is_outage, is_read_only
from tests import jobs
from tests.harness.environment import needs_session

pytestmark = pytest.mark.django_db(transaction=True)

only_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="a setting of PostgreSQL"
)


def error_of(*statements: str) -> Error:
    """Run statements in a transaction of their own; return what the last one raised."""

    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    with pytest.raises(DatabaseError) as caught:
        run()
    return caught.value


@only_postgres
@pytest.mark.parametrize(
    "statements",
    [
        ("SET LOCAL statement_timeout = 10", "SELECT pg_sleep(5)"),
        ("SET LOCAL transaction_read_only = on", "DELETE FROM django_jobs_queue"),
        ("SELECT pg_terminate_backend(pg_backend_pid())",),
    ],
)
def test_a_server_that_refuses_for_now(statements: tuple[str, ...]) -> None:
    error = error_of(*statements)
    connection.close()
    assert is_outage(error)
    assert is_read_only(error) == ("read_only" in statements[0])


def test_a_connection_that_is_closed() -> None:
    connection.ensure_connection()
    assert connection.connection is not None
    connection.connection.close()
    try:
        error = error_of("SELECT 1")
    finally:
        connection.connection = None
    # SQLite's own is a programming error: nobody but a job can close that connection.
    assert is_outage(error) == (connection.vendor != "sqlite")


def test_statements_and_values_that_stay_bad() -> None:
    missing = error_of("SELECT * FROM there_is_no_such_table")
    assert (is_outage(missing), is_bad_data(missing)) == (False, False)
    Queue.objects.create(name="twice")
    with pytest.raises(DatabaseError) as caught:
        Queue.objects.bulk_create([Queue(name="twice")])
    assert (is_outage(caught.value), is_bad_data(caught.value)) == (False, True)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="one writer at a time is SQLite's")
def test_a_locked_file() -> None:
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(name)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            error = error_of("DELETE FROM django_jobs_queue")
        finally:
            connection.close()
    assert is_outage(error)


@only_postgres
@needs_session
def test_d37_a_producer_is_told_of_a_read_only_server() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        with pytest.raises(EnqueueUnavailable):
            jobs.add.later(a=1)
    finally:
        connection.close()
    assert not Job.objects.exists()
