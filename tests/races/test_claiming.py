"""Claimers among themselves, and against those who take their jobs away."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction

from django_jobs import operations
from django_jobs.models import Job, JobTransition
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.database.moves import writing
from django_jobs.stores.records import ClaimedJob
from tests import jobs
from tests.harness.at_once import AtOnce
from tests.scenes import (
    claim,
    fresh,
    holder,
    let_expire,
    path,
    work,
)

ROUNDS = 12


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
        if connection.vendor == "mysql" and not expired:
            # InnoDB locks a row before it looks whether that is due: the next round finds it.
            expired = active_store().expire(10)
        assert (claimed, expired) == ([], 1)
        assert path(job) == ["pending", "expired"]


# Locks that block


IMPATIENT = {
    "postgresql": "SET LOCAL lock_timeout = '3s'",
    "mysql": "SET innodb_lock_wait_timeout = 3",
}


@pytest.mark.skipif(
    "connection.vendor == 'sqlite'", reason="SQLite has one lock for the whole database"
)
def test_a_claim_does_not_wait_for_a_locked_row(at_once: AtOnce) -> None:
    """Others' row locks are skipped, however long they are held."""
    locked, free = jobs.add.later(1), jobs.add.later(2)

    def claim_impatiently() -> list[ClaimedJob]:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(IMPATIENT[connection.vendor])
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


# Waiting


def test_waiting_for_a_worker(at_once: AtOnce) -> None:
    job = jobs.add.later(1, 2)
    waited, _ = at_once(partial(job.wait, timeout=20), work)
    assert (waited.status, waited.result) == ("completed", 3)
