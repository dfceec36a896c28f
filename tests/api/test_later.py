"""``later()``, ``later_many()`` and their async forms: rows in the caller's transaction."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_jobs.exceptions import InvalidArguments, InvalidOption, PayloadTooLarge
from django_jobs.models import Job
from tests import jobs
from tests.factories import ahead
from tests.scenes import (
    Configure,
    fresh,
    nothing_written,
    path,
    rolled_back,
    seconds_until,
    worked,
)

pytestmark = pytest.mark.django_db


def test_a_row_as_the_definition_wants_it() -> None:
    job = jobs.report.later("CA", date(2026, 1, 2), Decimal("1.50"), [jobs.Colour.RED])
    row = fresh(job)
    assert (row.job_name, row.queue, row.priority) == ("tests.report", "reports", 5)
    assert (row.max_attempts, row.timeout, row.status) == (5, 60, "pending")
    assert (row.unique_key, row.expires_at, row.tags) == (None, None, [])
    assert not job.was_already_enqueued
    assert path(job) == ["pending"]


def test_what_goes_in_comes_out() -> None:
    job = worked(jobs.report.later("CA", date(2026, 1, 2), Decimal("1.50"), [jobs.Colour.RED]))
    expected = jobs.Report("CA", date(2026, 1, 2), Decimal("1.50"), [jobs.Colour.RED])
    assert job.as_result().data == expected


def test_arguments_arrive_with_their_types() -> None:
    from uuid import uuid4

    job = jobs.describe_types.later(ahead(days=1), timedelta(seconds=1.5), uuid4(), (1, "a"))
    assert worked(job).result == {
        "moment": "datetime",
        "length": "timedelta",
        "key": "UUID",
        "pair": "tuple",
    }


def test_positions_and_names_are_the_same() -> None:
    assert jobs.add.later(1, 2).params == jobs.add.later(b=2, a=1).params == {"a": 1, "b": 2}


def test_the_configured_attempts_are_the_default(configure: Configure) -> None:
    configure(MAX_ATTEMPTS=9)
    assert fresh(jobs.add.later(1)).max_attempts == 9


def test_it_is_gone_with_the_callers_transaction() -> None:
    with rolled_back():
        jobs.add.later(1)
        jobs.add.later_many([{"a": 1}, {"a": 2}])
    assert nothing_written()


@pytest.mark.parametrize(
    "arguments",
    [{}, {"a": "one"}, {"a": 1, "c": 2}, {"a": None}, {"a": 1.5}, {"a": object()}],
)
def test_d4_bad_arguments_write_nothing(arguments: dict[str, object]) -> None:
    with transaction.atomic():
        with pytest.raises(InvalidArguments):
            jobs.add.later(**arguments)
        with pytest.raises(InvalidArguments, match="call 1"):
            jobs.add.later_many([{"a": 1}, arguments])
        assert nothing_written()
        jobs.add.later(1)
    assert Job.objects.count() == 1


def test_too_much(configure: Configure) -> None:
    configure(PAYLOAD_MAX_BYTES=2000)
    with pytest.raises(PayloadTooLarge, match="2,000"):
        jobs.echo.later("x" * 2000)
    assert nothing_written()


# Many


def test_many_in_the_order_of_the_calls() -> None:
    many = jobs.add.using(queue="reports", tags=["bulk"]).later_many(
        {"a": number} for number in range(5)
    )
    assert [fresh(job).params for job in many] == [{"a": number} for number in range(5)]
    assert {(job.queue, tuple(job.tags)) for job in many} == {("reports", ("bulk",))}


def test_many_take_few_statements() -> None:
    """One for the jobs and one for their transitions, or one for both."""
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        jobs.add.later_many([{"a": number} for number in range(30)])
    statements = [query["sql"] for query in queries]
    assert 1 <= sum("INSERT" in sql for sql in statements) <= 2
    assert not any(sql.startswith("UPDATE") for sql in statements)


@pytest.mark.parametrize("calls", [[{"a": 1}, 7], [{"a": 1}, "a"], [{"a": 1}, [1]], [None]])
def test_calls_that_are_no_dicts(calls: list[object]) -> None:
    with pytest.raises(InvalidArguments, match=f"call {len(calls) - 1}"):
        jobs.add.later_many(calls)  # type: ignore[arg-type]
    assert nothing_written()


def test_no_calls() -> None:
    assert jobs.add.later_many([]) == []
    assert nothing_written()


def test_a_unique_key_names_one_job() -> None:
    with pytest.raises(InvalidOption, match="unique_key"):
        jobs.add.using(unique_key="k").later_many([{"a": 1}, {"a": 2}])
    assert nothing_written()
    assert len(jobs.add.using(unique_key="k").later_many([{"a": 1}])) == 1


# Options on the row


def test_options_reach_the_row() -> None:
    expires_at = ahead(days=2)
    job = jobs.add.using(
        queue="reports",
        priority=-7,
        expires_at=expires_at,
        max_attempts=9,
        timeout=timedelta(seconds=90),
        unique_key="k",
        correlation_id="c",
        tags=["one", "two"],
    ).later(1)
    row = fresh(job)
    assert (row.queue, row.priority, row.expires_at) == ("reports", -7, expires_at)
    assert (row.max_attempts, row.timeout, row.unique_key) == (9, 90.0, "k")
    assert (row.correlation_id, row.tags) == ("c", ["one", "two"])


def test_using_leaves_the_definition_as_it_was() -> None:
    changed = jobs.add.using(queue="reports")
    assert (changed.queue, jobs.add.queue) == ("reports", "default")
    assert changed.using(priority=3).queue == "reports"


@pytest.mark.parametrize("delay", [90, 90.0, timedelta(seconds=90)])
def test_a_delay_schedules(delay: float | timedelta) -> None:
    job = fresh(jobs.add.using(delay=delay).later(1))
    assert job.status == "scheduled"
    assert 60 < seconds_until(job.scheduled_for) <= 90


def test_a_future_time_schedules() -> None:
    moment = ahead(days=3)
    job = fresh(jobs.add.using(scheduled_for=moment).later(1))
    assert (job.status, job.scheduled_for) == ("scheduled", moment)


@pytest.mark.parametrize("options", [{"delay": 0}, {"delay": None}, {"scheduled_for": None}])
def test_no_delay_is_due_at_once(options: dict[str, None]) -> None:
    assert fresh(jobs.add.using(**options).later(1)).status == "pending"


def test_a_past_time_is_due_at_once() -> None:
    assert fresh(jobs.add.using(scheduled_for=ahead(days=-3)).later(1)).status == "pending"


# Async


def test_async_forms() -> None:
    @async_to_sync
    async def enqueue() -> list[Job]:
        return [await jobs.add.alater(1, b=2), *await jobs.add.alater_many([{"a": 3}])]

    assert [fresh(job).params for job in enqueue()] == [{"a": 1, "b": 2}, {"a": 3}]


def test_d33_the_sync_form_in_async_code_says_so() -> None:
    @async_to_sync
    async def enqueue() -> None:
        jobs.add.later(1)

    with pytest.raises(SynchronousOnlyOperation):
        enqueue()
    assert nothing_written()
