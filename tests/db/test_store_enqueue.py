"""Enqueueing: all or none, in the caller's transaction, by the database's clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jobs.exceptions import DuplicateJob, EnqueueUnavailable
from django_jobs.models import Job, JobTransition
from django_jobs.states import Status
from django_jobs.stores.base import Store
from tests import jobs
from tests.factories import JobFactory
from tests.scenes import (
    Configure,
    fresh,
    let_expire,
    nothing_written,
    rolled_back,
    seconds_until,
    transitions,
)


def test_a_job_and_its_first_transition(store: Store) -> None:
    job = JobFactory.build()
    store.enqueue([job])
    assert fresh(job).status == Status.PENDING
    (born,) = transitions(job.id)
    assert (born.from_status, born.to_status, born.attempt, born.lease) == ("", "pending", 0, 0)
    assert born.actor == "producer"


def test_waiting_and_future_jobs_together(store: Store) -> None:
    now, later = JobFactory.build(), JobFactory.build(status=Status.SCHEDULED)
    store.enqueue([now, later])
    assert [fresh(job).status for job in (now, later)] == ["pending", "scheduled"]
    assert [transitions(job.id).get().to_status for job in (now, later)] == ["pending", "scheduled"]


def test_all_or_none(store: Store) -> None:
    store.enqueue([JobFactory.build(unique_key="k")])
    with pytest.raises(DuplicateJob):
        store.enqueue([JobFactory.build(), JobFactory.build(unique_key="k"), JobFactory.build()])
    assert Job.objects.count() == JobTransition.objects.count() == 1


def test_two_jobs_of_one_call_with_the_same_key(store: Store) -> None:
    with pytest.raises(EnqueueUnavailable):
        store.enqueue([JobFactory.build(unique_key="k"), JobFactory.build(unique_key="k")])
    assert nothing_written()


def test_the_duplicate_names_its_holder_and_leaves_the_transaction_usable(store: Store) -> None:
    first = JobFactory.build(unique_key="k")
    store.enqueue([first])
    with transaction.atomic():
        with pytest.raises(DuplicateJob) as caught:
            store.enqueue([JobFactory.build(unique_key="k")])
        assert caught.value.job_id == first.id
        store.enqueue([JobFactory.build(unique_key="other")])
    assert Job.objects.count() == 2


@pytest.mark.parametrize("key", ["K", "k ", "K" * 200])
def test_keys_are_compared_exactly(store: Store, key: str) -> None:
    store.enqueue([JobFactory.build(unique_key="k")])
    store.enqueue([JobFactory.build(unique_key=key)])
    assert Job.objects.count() == 2


def test_an_ended_job_gives_its_key_free(store: Store) -> None:
    first = JobFactory.build(unique_key="k")
    store.enqueue([first])
    let_expire(first)
    store.expire(10)
    store.enqueue([JobFactory.build(unique_key="k")])
    assert Job.objects.filter(unique_key="k").count() == 2


def test_it_is_part_of_the_callers_transaction(store: Store) -> None:
    with rolled_back():
        store.enqueue([JobFactory.build()])
        assert Job.objects.exists()
    assert nothing_written()


def test_an_inner_rollback_takes_only_its_own_jobs(store: Store) -> None:
    with transaction.atomic():
        store.enqueue([JobFactory.build(tags=["outer"])])
        with rolled_back():
            store.enqueue([JobFactory.build(tags=["inner"])])
    assert Job.objects.get().tags == ["outer"]


def test_a_broken_transaction_says_so(store: Store) -> None:
    with rolled_back():
        with suppress(DatabaseError), transaction.atomic(savepoint=False):
            connection.cursor().execute("SELECT nonsense")
        with pytest.raises(EnqueueUnavailable, match="broken"):
            store.enqueue([JobFactory.build()])
    assert nothing_written()


def test_times_come_from_the_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A web server whose clock is a day ahead enqueues a job that is due now."""
    tomorrow = timezone.now() + timedelta(days=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: tomorrow)
    job, delayed = jobs.add.later(1), jobs.add.using(delay=100).later(1)
    for moment in (fresh(job).scheduled_for, fresh(job).created_at, transitions(job.id).get().at):
        assert -30 < seconds_until(moment) <= 0
    assert 70 < seconds_until(fresh(delayed).scheduled_for) <= 100
    assert delayed.scheduled_for == fresh(delayed).scheduled_for


def test_a_new_job_knows_its_times(store: Store) -> None:
    job = jobs.add.later(1)
    row = fresh(job)
    assert (job.scheduled_for, job.created_at, job.updated_at) == (
        row.scheduled_for,
        row.created_at,
        row.updated_at,
    )


def test_without_tracking_no_transitions(store: Store, configure: Configure) -> None:
    configure(TRACKING_ENABLED=False)
    store.enqueue([JobFactory.build()])
    assert Job.objects.count() == 1
    assert not JobTransition.objects.exists()


def test_many_jobs_in_few_statements(store: Store) -> None:
    def statements(number: int) -> int:
        new = JobFactory.build_batch(number)
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            store.enqueue(new)
        return sum("INSERT" in query["sql"] for query in queries)

    assert 1 <= statements(2) == statements(30) <= 2
