"""What PostgreSQL is asked to enqueue jobs: one statement, and a hint after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_jobs.exceptions import DuplicateJob
from django_jobs.models import Job, JobTransition
from django_jobs.stores import active_store
from django_jobs.stores.database import newborn
from django_jobs.stores.postgres import enqueueing
from tests import jobs
from tests.factories import JobFactory
from tests.scenes import Configure, fresh, nothing_written, transitions

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's statements"),
    pytest.mark.django_db(transaction=True),
]

HINT = "NOTIFY django_jobs"


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of the block, by their first words."""
    seen: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield seen
    seen += [" ".join(query["sql"].split()[:2]) for query in captured]


def test_later_is_one_statement_and_a_hint() -> None:
    with statements() as seen:
        job = jobs.add.later(1, b=2)
    assert seen == ["WITH moved", HINT]
    assert fresh(job).params == {"a": 1, "b": 2}
    assert [one.to_status for one in transitions(job.id)] == ["pending"]


def test_a_new_job_knows_its_times_without_asking_again() -> None:
    job = jobs.add.later(1)
    with statements() as seen:
        times = {job.created_at, job.updated_at, job.scheduled_for}
    assert seen == []
    assert times == {fresh(job).created_at}


def test_a_delay_costs_no_statement_more() -> None:
    with statements() as seen:
        jobs.add.using(delay=100).later(1)
    assert seen == ["WITH moved", HINT]


def test_nor_does_a_unique_key() -> None:
    once = jobs.add.using(unique_key="k", on_conflict="raise")
    with statements() as seen:
        once.later(1)
    assert seen == ["WITH moved", HINT]
    with pytest.raises(DuplicateJob):
        once.later(1)


def test_inside_a_transaction_it_is_the_statement_alone() -> None:
    with transaction.atomic(), statements() as seen:
        jobs.add.later(1)
        jobs.add.later(2)
    assert seen == ["WITH moved"] * 2


def test_a_transaction_sends_one_hint_after_its_commit() -> None:
    with statements() as seen, transaction.atomic():
        jobs.add.later(1)
        jobs.add.later_many([{"a": 1}] * 3)
    assert seen == ["BEGIN", "WITH moved", "WITH moved", "COMMIT", HINT]


def test_a_thousand_jobs_are_one_statement() -> None:
    with statements() as seen:
        made = jobs.add.later_many({"a": number} for number in range(1000))
    assert seen == ["WITH moved", HINT]
    assert Job.objects.count() == JobTransition.objects.count() == 1000
    stored = dict(Job.objects.values_list("id", "params"))
    assert stored == {job.id: job.params for job in made}


def test_more_than_that_are_some_statements_in_one_transaction() -> None:
    with statements() as seen:
        jobs.add.later_many([{"a": 1}] * 2001)
    assert seen == ["BEGIN", *["WITH moved"] * 3, "COMMIT", HINT]
    assert Job.objects.count() == 2001


def test_large_params_are_spread_over_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enqueueing, "_MOST_TEXT", 1000)
    with statements() as seen:
        jobs.echo.later_many([{"value": letter * 600} for letter in "abc"])
    assert seen == ["BEGIN", *["WITH moved"] * 3, "COMMIT", HINT]
    assert {job.params["value"][0] for job in Job.objects.all()} == {"a", "b", "c"}


def test_jobs_of_several_kinds_share_a_transaction() -> None:
    kinds = [JobFactory.build(queue="mail", tags=["a"]), JobFactory.build(queue="web", priority=3)]
    with statements() as seen:
        active_store().enqueue(kinds)
    assert seen == ["BEGIN", "WITH moved", "WITH moved", "COMMIT", HINT]
    assert set(Job.objects.values_list("queue", "priority")) == {("mail", 0), ("web", 3)}
    assert fresh(kinds[0]).tags == ["a"]


def test_all_statements_or_none() -> None:
    too_long = JobFactory.build(queue="q" * 51)
    with pytest.raises(DataError):
        active_store().enqueue([JobFactory.build(), too_long])
    assert nothing_written()


def test_a_caught_failure_still_undoes_the_callers_transaction() -> None:
    """PostgreSQL rolls back whatever is committed after an error, without a word."""
    with transaction.atomic():
        with pytest.raises(DataError):
            active_store().enqueue([JobFactory.build(queue="q" * 51)])
        assert transaction.get_rollback()


def test_what_a_new_job_does_not_have_is_written_all_the_same() -> None:
    """A middleware may fill any column; the portable statements take the odd ones."""
    odd = JobFactory.build(progress=7, progress_message="carried over")
    active_store().enqueue([odd])
    assert (fresh(odd).progress, fresh(odd).progress_message) == (7, "carried over")
    assert transitions(odd.id).count() == 1


def test_without_tracking_no_transitions_and_no_statement_more(configure: Configure) -> None:
    configure(TRACKING_ENABLED=False)
    with statements() as seen:
        jobs.add.later_many([{"a": 1}] * 2)
    assert seen == ["WITH moved", HINT]
    assert not JobTransition.objects.exists()


def test_without_notify_no_hint(configure: Configure) -> None:
    configure(NOTIFY=False)
    with statements() as seen:
        jobs.add.later(1)
    assert seen == ["WITH moved"]


def test_every_column_is_written_or_has_a_default() -> None:
    """A new column of the model must find its place in the statement."""
    known = {*newborn.COLUMNS.split(", "), *newborn.EMPTY}
    assert known == {field.attname for field in Job._meta.concrete_fields}
