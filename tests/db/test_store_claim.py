"""Claiming: what is taken, in which order, how much, and what a lease is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from django_jobs.ids import uuid7
from django_jobs.models import Job, JobTransition
from django_jobs.outcome import Outcome
from django_jobs.states import WAITING, Status
from django_jobs.stores.base import Store
from tests.factories import JobFactory, ago, ahead
from tests.scenes import (
    PROCESS,
    Configure,
    claim,
    claim_one,
    finish,
    fresh,
    holder,
    last_transition,
    let_expire,
    path,
    seconds_until,
    status,
)


def test_the_order_is_priority_then_age_then_birth(store: Store) -> None:
    same = ago(minutes=2)
    last = JobFactory(priority=7, scheduled_for=ago(hours=1))
    born_in_order = [JobFactory(priority=0, scheduled_for=same) for _ in range(3)]
    younger = JobFactory(priority=0, scheduled_for=ago(minutes=5))
    older = JobFactory(priority=0, scheduled_for=ago(minutes=9))
    first = JobFactory(priority=-1, scheduled_for=ago(minutes=1))
    expected = [first, older, younger, *born_in_order, last]
    assert [job.id for job in claim()] == [job.id for job in expected]


@pytest.mark.parametrize("limit", [0, 1, 3, 4])
def test_no_more_than_asked_for(store: Store, limit: int) -> None:
    JobFactory.create_batch(3)
    assert len(claim(limit)) == min(limit, 3)
    assert Job.objects.running().count() == min(limit, 3)


def test_each_queue_has_its_own_limit(store: Store) -> None:
    for queue in ("critical", "default", "reports"):
        JobFactory.create_batch(3, queue=queue)
    taken = claim(limits={"critical": 2, "default": 1})
    assert sorted(job.queue for job in taken) == ["critical", "critical", "default"]
    assert Job.objects.pending().for_queue("reports").count() == 3


def test_a_paused_queue_is_left_alone(store: Store) -> None:
    JobFactory(queue="reports")
    store.pause("reports", "operator", "")
    assert claim(queue="reports") == []
    store.resume("reports")
    assert len(claim(queue="reports")) == 1


def test_expired_jobs_are_not_taken(store: Store) -> None:
    late, fine = JobFactory(), JobFactory(expires_at=ahead(hours=1))
    let_expire(late)
    assert [job.id for job in claim()] == [fine.id]


def test_unknown_jobs_wait(store: Store) -> None:
    foreign = JobFactory(job_name="of.another.version")
    assert claim() == []
    assert status(foreign) == Status.PENDING
    assert [job.id for job in claim(names=["of.another.version"])] == [foreign.id]


@pytest.mark.parametrize("other", [one for one in Status if one != Status.PENDING])
def test_only_pending_jobs_are_taken(store: Store, any_status: None, other: Status) -> None:
    JobFactory(status=other, scheduled_for=ago(hours=1))
    assert claim() == []


def test_a_claim_starts_a_lease(store: Store) -> None:
    job = JobFactory(progress=70, progress_message="before")
    claimed = claim_one(lease=45)
    row = fresh(job)
    assert (claimed.id, claimed.lease, claimed.attempt) == (job.id, 1, 1)
    assert (row.status, row.lease, row.attempt_count) == (Status.RUNNING, 1, 1)
    assert (row.failure_count, row.crash_count, row.completed_at) == (0, 0, None)
    assert (row.progress, row.progress_message) == (0, "")
    assert row.worker_process == PROCESS
    assert 15 < seconds_until(row.worker_expires_at) <= 45
    assert -30 < seconds_until(row.worker_started_at) <= 0
    moved = last_transition(job)
    assert (moved.from_status, moved.to_status) == ("pending", "running")
    assert (moved.attempt, moved.lease, moved.actor) == (1, 1, "worker:test")


def test_a_claimed_job_knows_what_it_needs(store: Store) -> None:
    JobFactory(
        queue="reports",
        params={"a": [1, {"b": None}]},
        failure_count=2,
        max_attempts=7,
        timeout=1.5,
        correlation_id="c",
    )
    claimed = claim_one("reports")
    assert (claimed.job_name, claimed.queue) == ("tests.add", "reports")
    assert claimed.params == {"a": [1, {"b": None}]}
    assert (claimed.failure_count, claimed.max_attempts) == (2, 7)
    assert (claimed.timeout, claimed.correlation_id) == (1.5, "c")


def test_a_claimed_job_knows_how_long_it_waited(store: Store) -> None:
    JobFactory(scheduled_for=ago(minutes=2))
    assert 119 < claim_one().waited < 150
    JobFactory(scheduled_for=ahead(minutes=2))  # an urgent one, made pending before its time
    assert claim_one().waited == 0


def test_every_claim_has_a_higher_lease(store: Store) -> None:
    job = JobFactory()
    for number in (1, 2, 3):
        claimed = claim_one()
        assert (claimed.lease, claimed.attempt) == (number, number)
        finish(claimed, Outcome.release("again"))
    assert fresh(job).lease == 3


def test_a_job_is_taken_once(store: Store) -> None:
    JobFactory()
    assert len(claim()) == 1
    assert claim() == []


@pytest.mark.parametrize("switch", ["TRACKING_ENABLED", "TRACKING_PERSIST_TRANSITIONS"])
def test_without_tracking_no_transitions(store: Store, configure: Configure, switch: str) -> None:
    configure(**{switch: False})
    job = JobFactory()
    assert finish(claim_one(), Outcome.complete(None))
    assert status(job) == Status.COMPLETED
    assert not JobTransition.objects.exists()


def test_old_statistics_do_not_lift_the_limit(store: Store) -> None:
    """PostgreSQL may ignore the LIMIT of a locking sub-query when it believes in one row."""
    JobFactory()
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE django_jobs_job")
    JobFactory.create_batch(50)
    assert len(claim(1)) == 1
    assert Job.objects.running().count() == 1


# One job, by its id


@pytest.mark.parametrize("waiting", sorted(WAITING))
def test_a_waiting_job_can_be_had_by_id(store: Store, any_status: None, waiting: Status) -> None:
    job = JobFactory(status=waiting, scheduled_for=ahead(hours=1))
    claimed = store.claim_job(job.id, holder())
    assert claimed is not None
    assert (claimed.id, claimed.lease, claimed.attempt) == (job.id, 1, 1)
    through = [] if waiting == Status.PENDING else ["pending"]
    assert path(job) == [*through, "running"]


@pytest.mark.parametrize("other", sorted(set(Status) - WAITING))
def test_others_can_not(store: Store, any_status: None, other: Status) -> None:
    job = JobFactory(status=other)
    assert store.claim_job(job.id, holder()) is None
    assert status(job) == other


def test_no_job_can_not(store: Store) -> None:
    assert store.claim_job(uuid7(), holder()) is None


def test_an_expired_job_can_not(store: Store) -> None:
    job = JobFactory()
    let_expire(job)
    assert store.claim_job(job.id, holder()) is None
    assert status(job) == Status.PENDING


def test_start_enqueues_and_claims(store: Store) -> None:
    job = JobFactory.build()
    claimed = store.start(job, holder(process=None, lease=300))
    assert (claimed.id, claimed.lease, claimed.attempt) == (job.id, 1, 1)
    row = fresh(job)
    assert (row.status, row.worker_process) == (Status.RUNNING, None)
    assert 270 < seconds_until(row.worker_expires_at) <= 300
    assert path(job) == ["pending", "running"]


# Keeping leases


def test_renewing_extends_the_leases_of_those_processes(store: Store) -> None:
    mine, other = uuid7(), uuid7()
    JobFactory.create_batch(3)
    held = [claim_one(process=process, lease=5) for process in (mine, mine, other)]
    assert store.renew([mine], 90) == 2
    seconds = [seconds_until(fresh(job).worker_expires_at) for job in held]
    assert [value > 30 for value in seconds] == [True, True, False]


def test_a_lease_that_ended_is_not_renewed(store: Store) -> None:
    JobFactory()
    claimed = claim_one()
    finish(claimed, Outcome.complete(None))
    assert store.renew([PROCESS], 90) == 0
    assert fresh(claimed).worker_expires_at is None


def test_what_a_process_once_claimed_can_be_had_again(store: Store) -> None:
    JobFactory.create_batch(3, timeout=5.0, params={"a": [1]})
    # Who asks writes under a name of its own.
    first, second = (replace(job, actor="worker") for job in claim(2))
    others = claim_one(process=uuid7())
    assert store.claimed_by(PROCESS, [first.id, others.id, uuid7()]) == [first]
    finish(first, Outcome.complete(None))
    assert store.claimed_by(PROCESS, [first.id, second.id]) == [second]
    assert store.claimed_by(PROCESS, []) == []


def test_a_process_can_ask_what_it_holds(store: Store) -> None:
    JobFactory.create_batch(3)
    first, second = claim(2)
    claim_one(process=uuid7())
    store.cancel([second.id], "operator", "")
    held = {lease.job_id: lease for lease in store.held_by(PROCESS)}
    assert held.keys() == {first.id, second.id}
    assert [held[job.id].lease for job in (first, second)] == [1, 1]
    assert [held[job.id].cancel_requested for job in (first, second)] == [False, True]
    assert [store.is_cancel_requested(job.id) for job in (first, second)] == [False, True]
