"""Operators' verbs: who may go where, and why the others were skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from django_jobs.ids import uuid7
from django_jobs.models import Job, Queue
from django_jobs.outcome import Outcome
from django_jobs.states import DELAYED, LIVE, RETRYABLE, WAITING, Status
from django_jobs.stores.base import Store
from django_jobs.stores.records import Moved
from tests.factories import JobFactory, ago, ahead
from tests.scenes import (
    claim_one,
    finish,
    fresh,
    last_transition,
    path,
    seconds_until,
    status,
)

Verb = Callable[[list[UUID], str, str], Moved]

VERBS = [
    ("retry", RETRYABLE, "pending"),
    ("run_now", DELAYED, "pending"),
    ("cancel", WAITING, "cancelled"),
    ("discard", WAITING | {Status.FAILED}, "discarded"),
]


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize(("verb", "allowed", "after"), VERBS, ids=[verb[0] for verb in VERBS])
def test_who_may_go_where(
    store: Store, any_status: None, verb: str, allowed: set[Status], after: str, before: Status
) -> None:
    job = JobFactory(status=before)
    moved = getattr(store, verb)([job.id], "operator:eve", "because")
    if before in allowed:
        assert (moved.done, moved.skipped) == ([job.id], {})
        assert status(job) == after
        made = last_transition(job)
        assert (made.from_status, made.to_status) == (before, after)
        assert (made.actor, made.reason) == ("operator:eve", "because")
        assert (fresh(job).completed_at is not None) == (after != "pending")
    elif (verb, before) == ("cancel", Status.RUNNING):
        assert moved.done == [job.id]
        assert (status(job), path(job)) == ("running", [])
    else:
        assert (moved.done, moved.skipped) == ([], {job.id: before.label})
        assert (status(job), path(job)) == (before, [])


@pytest.mark.parametrize("verb", [verb[0] for verb in VERBS])
def test_unknown_ids_and_no_ids(store: Store, verb: str) -> None:
    nobody = uuid7()
    moved = getattr(store, verb)([nobody], "operator", "")
    assert (moved.done, moved.skipped) == ([], {nobody: "no such job"})
    assert getattr(store, verb)([], "operator", "") == Moved()


def test_some_move_and_some_are_skipped(store: Store, any_status: None) -> None:
    good = [JobFactory(status=Status.FAILED) for _ in range(2)]
    bad = [JobFactory(status=Status.RUNNING), JobFactory(status=Status.COMPLETED)]
    moved = store.retry([job.id for job in (*good, *bad)], "operator", "")
    assert set(moved.done) == {job.id for job in good}
    assert moved.skipped == {bad[0].id: "running", bad[1].id: "completed"}


# Retry


def test_retry_starts_afresh_and_keeps_the_history(store: Store) -> None:
    job = JobFactory(failure_count=2, crash_count=2)
    finish(claim_one(), Outcome.fail("traceback", "gave up"))
    Job.objects.update(scheduled_for=ago(days=1), expires_at=ago(hours=1), progress=40)
    store.retry([job.id], "operator", "")
    row = fresh(job)
    assert (row.failure_count, row.crash_count, row.progress) == (0, 0, 0)
    assert (row.attempt_count, row.lease) == (1, 1)
    assert (row.expires_at, row.completed_at, row.result) == (None, None, None)
    assert -30 < seconds_until(row.scheduled_for) <= 0
    assert path(job) == ["running", "failed", "pending"]
    assert claim_one().lease == 2


def test_retry_does_not_break_a_unique_key(store: Store, any_status: None) -> None:
    ended = [
        JobFactory(status=Status.FAILED, unique_key="taken"),
        JobFactory(status=Status.FAILED, unique_key="free"),
        JobFactory(status=Status.CANCELLED),
        JobFactory(status=Status.FAILED, unique_key="twice"),
        JobFactory(status=Status.FAILED, unique_key="twice"),
    ]
    JobFactory(unique_key="taken")
    moved = store.retry([job.id for job in ended], "operator", "")
    reason = "a live job holds its unique key"
    assert moved.done == [ended[1].id, ended[2].id, ended[3].id]
    assert moved.skipped == {ended[0].id: reason, ended[4].id: reason}
    assert [status(job) for job in ended] == ["failed", "pending", "pending", "pending", "failed"]
    assert path(ended[0]) == []


# Run now


def test_run_now_is_due_now(store: Store) -> None:
    job = JobFactory(status=Status.SCHEDULED, scheduled_for=ahead(days=1))
    store.run_now([job.id], "operator", "")
    assert -30 < seconds_until(fresh(job).scheduled_for) <= 0
    assert claim_one().id == job.id


# Cancel


def test_cancelling_a_running_job_asks_it_to_stop(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    assert store.cancel([claimed.id], "operator", "").done == [claimed.id]
    row = fresh(claimed)
    assert row.status == Status.RUNNING
    assert row.cancel_requested_at is not None
    assert store.is_cancel_requested(claimed.id)
    assert finish(claimed, Outcome.cancel("stopped"))
    assert (status(claimed), fresh(claimed).cancel_requested_at) == ("cancelled", None)


def test_a_retried_job_forgets_that_it_was_asked_to_stop(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    store.cancel([claimed.id], "operator", "")
    finish(claimed, Outcome.cancel("stopped"))
    store.retry([claimed.id], "operator", "")
    assert not store.is_cancel_requested(claim_one().id)


# Queues


def test_pausing_and_resuming_tell_whether_they_changed_anything(store: Store) -> None:
    assert not store.is_paused("reports")
    assert store.pause("reports", "operator:eve", "too hot") is True
    assert store.pause("reports", "operator:bob", "again") is False
    row = Queue.objects.get(name="reports")
    assert (row.is_paused, row.paused_by, row.pause_reason) == (True, "operator:eve", "too hot")
    assert store.is_paused("reports")
    assert store.resume("reports") is True
    assert store.resume("reports") is False
    assert not Queue.objects.get(name="reports").is_paused
    assert store.resume("never-seen") is False


# Counting


def test_counting_by_state(store: Store, any_status: None) -> None:
    numbers: dict[Any, int] = {one: index + 1 for index, one in enumerate(sorted(LIVE))}
    for one, number in numbers.items():
        JobFactory.create_batch(number, status=one)
    JobFactory(queue="reports")
    assert store.count_by_state("default") == numbers
    assert store.count_by_state("reports") == {"pending": 1}
    assert store.count_by_state()["pending"] == numbers["pending"] + 1
    assert store.count_by_state("empty") == {}
