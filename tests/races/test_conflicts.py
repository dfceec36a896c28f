"""Transactions that a database undoes for the sake of others, with real locks."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from django_jobs import operations
from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.stores import active_store
from django_jobs.stores.database.retrying import TRIES
from tests import jobs
from tests.factories import ago, failed_job
from tests.harness.at_once import AtOnce
from tests.harness.waiting import wait_until
from tests.scenes import claim, finish, path

pytestmark = pytest.mark.skipif(
    "connection.vendor == 'sqlite'", reason="SQLite has one lock, and nothing to deadlock with"
)

# Two looks in one transaction, or within a tenth of a second, show the same.
LOOK_ANEW = {"postgresql": "SELECT pg_stat_clear_snapshot()", "mysql": "DO SLEEP(0.15)"}

WAITING = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity "
    "WHERE wait_event_type = 'Lock' AND datname = current_database()",
    "mysql": "SELECT count(*) FROM information_schema.innodb_trx "
    "JOIN information_schema.processlist ON id = trx_mysql_thread_id "
    "WHERE trx_state = 'LOCK WAIT' AND db = DATABASE()",
}


def somebody_waits() -> bool:
    """Whether a transaction of this database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK_ANEW[connection.vendor])
        cursor.execute(WAITING[connection.vendor])
        return bool(cursor.fetchone()[0])


def impatient() -> None:
    """Let this thread's connection wait for a lock no longer than a second."""
    with connection.cursor() as cursor:
        cursor.execute("SET innodb_lock_wait_timeout = 1")


def undone(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [text for text in caplog.messages if "undone in favour of others" in text]


@pytest.mark.fault("F17")
def test_a_deadlock_undoes_nobodys_work(at_once: AtOnce, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever is chosen as the victim, the verb does what it was asked for."""
    caplog.set_level(logging.INFO, "django_jobs")
    first, second = sorted(jobs.add.later(number).pk for number in range(2))

    def lock_the_other_way_round() -> None:
        """What a site's own code may do."""
        try:
            with transaction.atomic():
                # Heavy with changes: InnoDB undoes the lighter of two.
                Job.objects.exclude(pk=first).update(progress_message="x" * 400)
                wait_until(somebody_waits, 10, "the verb to wait")
                Job.objects.select_for_update().get(pk=first)
        except OperationalError:
            assert connection.vendor == "mysql"

    for _ in range(4):
        jobs.add.later_many([{"a": number} for number in range(20)])

    def cancel() -> Any:
        wait_until(lambda: is_locked(second), 10, "the other to begin")
        return operations.cancel([first, second])

    _, cancelled = at_once(lock_the_other_way_round, cancel)
    assert cancelled.done == [first, second]
    assert path(first) == path(second) == ["pending", "cancelled"]
    assert len(undone(caplog)) == 1


def is_locked(job_id: Any) -> bool:
    with transaction.atomic():
        found = Job.objects.select_for_update(skip_locked=True).filter(pk=job_id)
        return not list(found.values_list("pk"))


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="others wait for ever by default")
def test_a_lock_that_takes_too_long_is_tried_for_again(
    at_once: AtOnce, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_jobs")
    job = jobs.add.later(1)

    def hold() -> None:
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=job.pk)
            wait_until(lambda: undone(caplog), 20, "the first try to give up")

    def cancel() -> Any:
        impatient()
        wait_until(lambda: is_locked(job.pk), 10, "the other to begin")
        return operations.cancel(job.pk)

    _, cancelled = at_once(hold, cancel)
    assert cancelled.done == [job.pk]
    assert path(job) == ["pending", "cancelled"]


@pytest.mark.skipif("connection.vendor != 'mysql'", reason="others wait for ever by default")
@pytest.mark.parametrize("inside", [True, False])
def test_it_ends_and_says_so(
    at_once: AtOnce, caplog: pytest.LogCaptureFixture, inside: bool
) -> None:
    """Inside the caller's transaction at once: only the caller can begin that again."""
    caplog.set_level(logging.INFO, "django_jobs")
    jobs.add.using(unique_key="k").later(1)
    ended: list[bool] = []

    def hold() -> None:
        with transaction.atomic():
            Job.objects.update(status="cancelled", completed_at=ago())
            wait_until(lambda: ended, 30, "the other to give up")
            transaction.set_rollback(True)

    def enqueue() -> None:
        impatient()
        wait_until(lambda: is_locked(Job.objects.get().pk), 10, "the other to begin")
        surroundings = transaction.atomic() if inside else nullcontext()
        try:
            with pytest.raises(EnqueueUnavailable), surroundings:
                jobs.add.using(unique_key="k").later(1)
        finally:
            ended.append(True)

    at_once(hold, enqueue)
    assert len(undone(caplog)) == (0 if inside else TRIES - 1)
    assert Job.objects.get().status == "pending"


def test_all_verbs_at_once_leave_no_conflict_behind(at_once: AtOnce) -> None:
    """Claim, promote, finish, rescue and prune on the same rows, from several connections."""
    for number in range(150):
        failed_job(completed_at=ago(days=90))
        jobs.add.using(unique_key=f"key-{number % 40}").later(number)
        jobs.add.using(delay=0.001).later(number)

    def claim_and_finish() -> int:
        done = 0
        for _ in range(12):
            claimed = claim(15)
            done += sum(finish(one, Outcome.complete(1)) for one in claimed)
        return done

    def sweep() -> None:
        for _ in range(12):
            active_store().promote(20)
            active_store().rescue(20)
            active_store().expire(20)

    def prune() -> int:
        return sum(active_store().delete_finished("failed", 86_400, 20) for _ in range(12))

    def enqueue() -> None:
        for number in range(60):
            jobs.add.using(unique_key=f"key-{number % 40}").later(number)

    done, other, _, pruned, _, _ = at_once(
        claim_and_finish, claim_and_finish, sweep, prune, enqueue, partial(prune)
    )
    assert done + other == Job.objects.completed().count()
    assert pruned > 0
    assert not Job.objects.running().exists()
