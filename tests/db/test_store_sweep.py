"""Promoting, expiring and rescuing: by the database's clock, never by age."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.states import DELAYED, WAITING, Status
from django_jobs.stores.base import Store
from tests.factories import JobFactory, ago, ahead
from tests.scenes import (
    PROCESS,
    Configure,
    claim,
    claim_one,
    finish,
    fresh,
    from_now,
    holder,
    last_transition,
    let_lease_expire,
    make_due,
    path,
    status,
)

# Promote


@pytest.mark.parametrize("delayed", sorted(DELAYED))
def test_due_jobs_become_pending(store: Store, any_status: None, delayed: Status) -> None:
    due = JobFactory(status=delayed, scheduled_for=ago(seconds=1))
    future = JobFactory(status=delayed, scheduled_for=ahead(minutes=5))
    assert store.promote(10) == 1
    assert [status(job) for job in (due, future)] == ["pending", delayed]
    moved = last_transition(due)
    assert (moved.from_status, moved.to_status, moved.actor) == (delayed, "pending", "promoter")


def test_promotion_keeps_the_time_and_so_the_order(store: Store) -> None:
    job = JobFactory(status=Status.SCHEDULED, scheduled_for=ago(minutes=3))
    store.promote(10)
    assert fresh(job).scheduled_for == job.scheduled_for


def test_promotion_goes_on_where_its_limit_ended(store: Store) -> None:
    jobs = [
        JobFactory(status=Status.SCHEDULED, scheduled_for=ago(minutes=9 - number))
        for number in range(3)
    ]
    assert store.promote(2) == 2
    assert [status(job) for job in jobs] == ["pending", "pending", "scheduled"]
    assert [store.promote(2), store.promote(2)] == [1, 0]


# Expire


@pytest.mark.parametrize("waiting", sorted(WAITING))
def test_late_jobs_expire(store: Store, any_status: None, waiting: Status) -> None:
    late = JobFactory(status=waiting, expires_at=ago(seconds=1))
    timely = JobFactory(status=waiting, expires_at=ahead(minutes=5))
    unlimited = JobFactory(status=waiting)
    assert store.expire(10) == 1
    assert [status(job) for job in (late, timely, unlimited)] == ["expired", waiting, waiting]
    assert fresh(late).completed_at is not None
    moved = last_transition(late)
    assert (moved.actor, moved.reason) == ("promoter", "expires_at")


def test_a_running_job_never_expires(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    Job.objects.update(expires_at=from_now(hours=-1))
    assert store.expire(10) == 0
    assert status(claimed) == Status.RUNNING


# Rescue


def test_a_lost_job_runs_again(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    let_lease_expire(claimed)
    (rescued,) = store.rescue(10)
    assert (rescued.id, rescued.job_name, rescued.queue) == (claimed.id, "tests.add", "default")
    assert (rescued.status, rescued.crash_count) == (Status.RETRYING, 1)
    row = fresh(claimed)
    assert (row.status, row.crash_count, row.failure_count) == ("retrying", 1, 0)
    assert (row.worker_process, row.worker_expires_at) == (None, None)
    assert "lost" in row.error
    moved = last_transition(claimed)
    assert (moved.actor, moved.reason, moved.attempt) == ("rescuer", "worker_lost", 1)
    assert (moved.lease, moved.error) == (1, row.error)
    assert store.promote(10) == 1
    assert claim_one().lease == 2


def test_age_alone_is_no_reason(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    long_ago = from_now(days=-9)
    Job.objects.update(worker_started_at=long_ago, created_at=long_ago, updated_at=long_ago)
    assert store.rescue(10) == []
    assert status(claimed) == Status.RUNNING


def test_a_renewed_lease_is_no_reason(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    let_lease_expire(claimed)
    store.renew([PROCESS], 60)
    assert store.rescue(10) == []


def test_crashes_are_limited(store: Store, configure: Configure) -> None:
    configure(CRASH_LIMIT=3)
    job = JobFactory(max_attempts=1)
    for expected in ("retrying", "retrying", "failed"):
        make_due(job)
        store.promote(10)
        let_lease_expire(claim_one())
        (rescued,) = store.rescue(10)
        assert rescued.status == expected
    row = fresh(job)
    assert (row.crash_count, row.failure_count, row.attempt_count) == (3, 0, 3)
    assert row.completed_at is not None
    assert last_transition(job).reason == "crash_limit"


def test_failures_and_crashes_are_counted_apart(store: Store) -> None:
    job = JobFactory()
    let_lease_expire(claim_one())
    store.rescue(10)
    store.promote(10)
    finish(claim_one(), Outcome.retry(0, "x"))
    assert (fresh(job).crash_count, fresh(job).failure_count) == (1, 1)


def test_a_lost_job_that_was_asked_to_stop_is_cancelled(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    store.cancel([claimed.id], "operator", "")
    let_lease_expire(claimed)
    assert [rescued.status for rescued in store.rescue(10)] == [Status.CANCELLED]
    assert (status(claimed), last_transition(claimed).reason) == ("cancelled", "cancel requested")


def test_a_lost_caller_of_now_gets_no_second_attempt(store: Store) -> None:
    claimed = store.start(JobFactory.build(max_attempts=1), holder(process=None))
    let_lease_expire(claimed)
    assert [rescued.status for rescued in store.rescue(10)] == [Status.FAILED]
    assert last_transition(claimed).reason == "caller_lost"


def test_rescue_is_limited_and_goes_on(store: Store) -> None:
    JobFactory.create_batch(3)
    for _ in range(3):
        let_lease_expire(claim_one())
    assert [len(store.rescue(2)) for _ in range(3)] == [2, 1, 0]


def test_a_dead_process_gives_all_its_jobs_back_at_once(store: Store) -> None:
    """What it was running counts a crash; what it only held does not."""
    dead, living = uuid7(), uuid7()
    JobFactory.create_batch(3)
    ran, held = claim_one(process=dead), claim_one(process=dead)
    kept = claim_one(process=living)
    assert [rescued.id for rescued in store.rescue_process(dead, [ran.id])] == [ran.id]
    assert [status(job) for job in (ran, held, kept)] == ["retrying", "pending", "running"]
    assert [fresh(job).crash_count for job in (ran, held, kept)] == [1, 0, 0]
    assert (path(ran), path(held)) == (["running", "retrying"], ["running", "pending"])
    assert store.rescue_process(dead, [ran.id]) == []


def test_a_dead_process_takes_requests_to_stop_along(store: Store) -> None:
    JobFactory.create_batch(2)
    ran, held = claim(2)
    store.cancel([ran.id, held.id], "operator", "")
    rescued = store.rescue_process(PROCESS, [ran.id])
    assert {one.id for one in rescued} == {ran.id, held.id}
    assert [status(job) for job in (ran, held)] == ["cancelled", "cancelled"]


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's use of partial indexes")
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (Job.objects.delayed().filter(scheduled_for__lte=Now()), "django_jobs_promote"),
        (Job.objects.waiting().filter(expires_at__lte=Now()), "django_jobs_expire"),
        (Job.objects.finished().failed().filter(completed_at__lte=Now()), "django_jobs_prune"),
    ],
    ids=["promote", "expire", "prune"],
)
def test_sqlite_reads_only_the_rows_in_question(rows: Any, index: str) -> None:
    """With a parameter in the list of statuses it reads the whole table instead."""
    assert index in rows.explain()
