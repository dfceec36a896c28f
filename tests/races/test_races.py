"""Two at once: exactly one wins, and the loser knows. Bounded, seeded, without sleeps."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction

from django_jobs import operations
from django_jobs.exceptions import DuplicateJob
from django_jobs.locks import cluster_lock
from django_jobs.models import CronSlot, Job, JobTransition
from django_jobs.outcome import Outcome
from django_jobs.services.cleanup import clean_up
from django_jobs.services.cron import fire_due_crons
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.database.moves import writing
from django_jobs.stores.records import ClaimedJob
from tests import jobs
from tests.factories import CronJobFactory, JobFactory, ago
from tests.harness.guard import guard_paused
from tests.races.conftest import AtOnce
from tests.scenes import (
    claim,
    claim_one,
    finish,
    fresh,
    from_now,
    holder,
    let_expire,
    let_lease_expire,
    path,
    work,
)

ROUNDS = 12


def failed_job(**columns: object) -> Job:
    with guard_paused():
        return JobFactory(status=Status.FAILED, **columns)


# Claiming


def test_claimers_never_get_the_same_job(at_once: AtOnce) -> None:
    jobs.add.later_many([{"a": number} for number in range(120)])

    def claim_all() -> list[object]:
        mine: list[object] = []
        while batch := claim(7):
            assert len(batch) <= 7
            mine += [job.id for job in batch]
        return mine

    shares = at_once(*[claim_all] * 4)
    taken = Counter(job_id for share in shares for job_id in share)
    assert len(taken) == 120
    assert set(taken.values()) == {1}
    assert set(Job.objects.values_list("attempt_count", "lease", "status")) == {(1, 1, "running")}
    assert JobTransition.objects.filter(to_status="running").count() == 120


def test_together_they_take_no_more_than_each_asked_for(at_once: AtOnce) -> None:
    jobs.add.later_many([{"a": number} for number in range(50)])
    shares = at_once(*[partial(claim, 5)] * 4)
    assert all(len(share) <= 5 for share in shares)
    assert Job.objects.running().count() == sum(len(share) for share in shares)


def test_one_of_two_gets_a_job_by_its_id(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        job = jobs.add.later(1)
        by_id = partial(active_store().claim_job, job.pk, holder())
        one, other, batch = at_once(by_id, by_id, claim)
        assert [one is not None, other is not None, bool(batch)].count(True) == 1
        assert fresh(job).lease == 1
        assert path(job) == ["pending", "running"]


def test_cancel_against_claim(at_once: AtOnce) -> None:
    """Either the job never starts, or the worker is asked to stop."""
    for _ in range(ROUNDS):
        job = jobs.add.later(1)
        claimed, cancelled = at_once(claim, partial(operations.cancel, job.pk))
        assert cancelled.done == [job.pk]
        row = fresh(job)
        if claimed:
            assert row.status == Status.RUNNING
            assert row.cancel_requested_at is not None
            assert path(job) == ["pending", "running"]
        else:
            assert path(job) == ["pending", "cancelled"]


def test_expire_against_claim(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        job = jobs.add.later(1)
        let_expire(job)
        claimed, expired = at_once(claim, partial(active_store().expire, 10))
        assert (claimed, expired) == ([], 1)
        assert path(job) == ["pending", "expired"]


# Ending


def test_finish_against_rescue(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        let_lease_expire(claimed)
        accepted, rescued = at_once(
            partial(finish, claimed, Outcome.complete(7)), partial(active_store().rescue, 10)
        )
        row = fresh(claimed)
        if accepted:
            assert (rescued, row.status, row.result, row.crash_count) == ([], "completed", 7, 0)
        else:
            assert [one.id for one in rescued] == [claimed.id]
            assert (row.status, row.result, row.crash_count) == ("retrying", None, 1)


def test_finish_against_cancel(at_once: AtOnce) -> None:
    """A retry that was decided before the request is put back, one after it is not."""
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        accepted, cancelled = at_once(
            partial(finish, claimed, Outcome.retry(60, "x")),
            partial(operations.cancel, claimed.id),
        )
        assert accepted
        assert cancelled.done == [claimed.id]
        # If the retry came first, it was cancelled while it waited.
        assert path(claimed)[2:] in (["cancelled"], ["retrying", "cancelled"])


def test_two_finishers_of_one_lease(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        results = at_once(
            partial(finish, claimed, Outcome.complete(1)),
            partial(finish, claimed, Outcome.release("again")),
        )
        assert sorted(results) == [False, True]
        assert len(path(claimed)) == 3
        claim()


def test_rescue_against_rescue(at_once: AtOnce) -> None:
    jobs.add.later_many([{"a": number} for number in range(30)])
    for claimed in claim(30):
        let_lease_expire(claimed)

    def rescue_all() -> list[object]:
        mine: list[object] = []
        while rescued := active_store().rescue(4):
            mine += [one.id for one in rescued]
        return mine

    first, second = at_once(rescue_all, rescue_all)
    assert len(first) + len(second) == len({*first, *second}) == 30
    assert set(Job.objects.values_list("crash_count", "status")) == {(1, "retrying")}


def test_renew_against_rescue(at_once: AtOnce) -> None:
    """A lease that was rescued is not renewed; one that was renewed is not rescued."""
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        let_lease_expire(claimed)
        process = fresh(claimed).worker_process
        renewed, rescued = at_once(
            partial(active_store().renew, [process], 60.0), partial(active_store().rescue, 10)
        )
        assert renewed + len(rescued) == 1
        assert fresh(claimed).status == ("running" if renewed else "retrying")
        Job.objects.all().delete()


# Operators


def test_retry_against_retry(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        job = failed_job()
        results = at_once(*[partial(operations.retry, job.pk)] * 2)
        assert sorted(len(result.done) for result in results) == [0, 1]
        assert path(job) == ["pending"]


def test_bulk_retries_in_opposite_order(at_once: AtOnce) -> None:
    """Neither dead-locks: both lock in one order."""
    letters = [failed_job().pk for _ in range(40)]
    first, second = at_once(
        partial(operations.retry, letters), partial(operations.retry, letters[::-1])
    )
    assert len(first.done) + len(second.done) == 40
    assert Job.objects.pending().count() == 40


def test_retry_against_prune(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        job = failed_job(completed_at=ago(days=90))
        retried, pruned = at_once(partial(operations.retry, job.pk), partial(clean_up))
        if retried.done:
            assert pruned.total_jobs == 0
            assert fresh(job).status == "pending"
        else:
            assert retried.skipped == {job.pk: "no such job"}
            assert pruned.total_jobs == 1
            assert not JobTransition.objects.filter(job_id=job.pk).exists()
        Job.objects.all().delete()


def test_promote_against_promote_against_run_now(at_once: AtOnce) -> None:
    for _ in range(ROUNDS // 3):
        for number in range(9):
            jobs.add.using(delay=3600).later(number)
        Job.objects.scheduled().update(scheduled_for=from_now(seconds=-1))
        first, second, third = at_once(
            partial(active_store().promote, 100),
            partial(active_store().promote, 100),
            partial(operations.run_now, Job.objects.scheduled()),
        )
        assert first + second + len(third.done) == 9
        assert JobTransition.objects.filter(to_status="pending").count() == 9
        Job.objects.all().delete()


# Unique keys


@pytest.mark.parametrize("commits", [True, False])
def test_two_enqueuers_of_one_key(at_once: AtOnce, commits: bool) -> None:
    """The second waits for the first: whether it commits decides who gets the key."""

    def enqueue() -> Job:
        with transaction.atomic():
            job = jobs.add.using(unique_key="k").later(1)
            if not commits:
                transaction.set_rollback(True)
        return job

    for _ in range(ROUNDS):
        first, second = at_once(enqueue, enqueue)
        if commits:
            assert Job.objects.count() == 1
            assert first.pk == second.pk == Job.objects.get().pk
            assert [first.was_already_enqueued, second.was_already_enqueued].count(True) == 1
        else:
            assert not Job.objects.exists()
        Job.objects.all().delete()


def test_enqueue_against_the_end_of_the_holder(at_once: AtOnce) -> None:
    """There is always a live job for the work that was asked for, and never two."""
    for _ in range(ROUNDS):
        jobs.add.using(unique_key="k").later(1)
        claimed = claim_one()
        _, job = at_once(
            partial(finish, claimed, Outcome.complete(1)),
            partial(jobs.add.using(unique_key="k").later, 2),
        )
        assert Job.objects.live().filter(unique_key="k").count() <= 1
        assert job.was_already_enqueued == (job.pk == claimed.id)
        work()


def test_retry_against_enqueue_of_the_same_key(at_once: AtOnce) -> None:
    def enqueue() -> bool:
        try:
            jobs.add.using(unique_key="k", on_conflict="raise").later(1)
        except DuplicateJob:
            return False
        return True

    for _ in range(ROUNDS):
        letter = failed_job(unique_key="k")
        retried, enqueued = at_once(partial(operations.retry, letter.pk), enqueue)
        assert bool(retried.done) != enqueued
        assert Job.objects.live().count() == 1
        Job.objects.all().delete()


# Duties


def test_two_cron_firers_one_job(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        cron = CronJobFactory(cron_expression="0 0 1 1 *")
        fired = at_once(*[fire_due_crons] * 3)
        assert sum(fired) == 1
        assert Job.objects.count() == number + 1
        slot = CronSlot.objects.get(cron_job=cron)
        assert Job.objects.filter(pk=slot.job_id).exists()


def test_one_of_many_gets_a_lock(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        locks = [cluster_lock("race") for _ in range(3)]
        held = at_once(*[lock.__enter__ for lock in locks])
        assert held.count(True) == 1
        for lock in locks:
            lock.__exit__(None, None, None)


def test_pausing_a_queue_that_nobody_saw(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        changed = at_once(*[partial(operations.pause_queue, f"queue-{number}")] * 3)
        assert changed.count(True) == 1


# Waiting


def test_waiting_for_a_worker(at_once: AtOnce) -> None:
    job = jobs.add.later(1, 2)
    waited, _ = at_once(partial(job.wait, timeout=20), work)
    assert (waited.status, waited.result) == ("completed", 3)


# Locks that block


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one lock for the whole database"
)
def test_a_claim_does_not_wait_for_a_locked_row(at_once: AtOnce) -> None:
    """Others' row locks are skipped, however long they are held."""
    locked, free = jobs.add.later(1), jobs.add.later(2)

    def claim_impatiently() -> list[ClaimedJob]:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '3s'")
        return claim()

    with transaction.atomic():
        assert Job.objects.select_for_update().get(pk=locked.pk)
        (claimed,) = at_once(claim_impatiently)
        assert [job.id for job in claimed] == [free.pk]
    assert [job.id for job in claim()] == [locked.pk]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="others have locks for rows")
def test_a_sqlite_transaction_begins_by_writing(at_once: AtOnce) -> None:
    """One that reads first and writes later fails at once when another wrote in between.

    Sites whose transactions are ``IMMEDIATE`` never meet this; here they are not.
    """

    def write_impatiently() -> str:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 0")
        try:
            Group.objects.create(name="other")
        except OperationalError as error:
            return str(error)
        return "written"

    connection.ensure_connection()
    mode, connection.transaction_mode = connection.transaction_mode, None
    try:
        with writing():
            (answer,) = at_once(write_impatiently)
    finally:
        connection.transaction_mode = mode
    assert "locked" in answer
    assert at_once(write_impatiently) == ["written"]
