"""Jobs that nothing could interrupt: their failure is written by another process than theirs."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, connections, transaction

from django_jobs import operations
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.services.overdue import fail_stuck
from django_jobs.signals import job_failed
from tests import jobs
from tests.scenes import PROCESS, claim_one, finish, fresh, last_transition

pytestmark = pytest.mark.django_db


def stuck(**options: Any) -> Any:
    jobs.add.using(timeout=2, **options).later(1)
    return claim_one()


def test_it_is_a_timeout_like_any_other() -> None:
    claimed = stuck(max_attempts=2)
    seen: list[dict[str, Any]] = []
    job_failed.connect(lambda **details: seen.append(details), weak=False, dispatch_uid="overdue")
    assert fail_stuck(PROCESS, {claimed.id}, "worker:test") == set()
    row = fresh(claimed)
    assert (row.status, row.failure_count, row.crash_count) == ("retrying", 1, 0)
    moved = last_transition(claimed)
    assert moved.reason.startswith("JobTimeout: The job ran longer than its timeout of 2 seconds")
    assert (moved.actor, moved.lease) == ("worker:test", claimed.lease)
    job_failed.disconnect(dispatch_uid="overdue")
    assert seen == [], "it did not give up"


def test_it_is_blamed_once_and_its_own_end_is_dropped() -> None:
    claimed = stuck(max_attempts=9)
    fail_stuck(PROCESS, {claimed.id}, "worker:test")
    fail_stuck(PROCESS, {claimed.id}, "worker:test")
    assert not finish(claimed, Outcome.complete(1))
    assert (fresh(claimed).status, fresh(claimed).failure_count) == ("retrying", 1)


def test_one_that_ended_after_all_is_left_alone() -> None:
    claimed = stuck()
    finish(claimed, Outcome.complete(1))
    assert fail_stuck(PROCESS, {claimed.id}, "worker:test") == set()
    assert (fresh(claimed).status, fresh(claimed).failure_count) == ("completed", 0)


def test_what_another_process_runs_by_now_is_left_alone() -> None:
    claimed = stuck()
    finish(claimed, Outcome.release("gone"))
    again = claim_one(process=jobs_process())
    assert fail_stuck(PROCESS, {claimed.id}, "worker:test") == set()
    assert (fresh(again).status, fresh(again).lease) == ("running", 2)


def jobs_process() -> Any:
    from django_jobs.ids import uuid7

    return uuid7()


def test_it_is_cancelled_if_that_was_asked_for() -> None:
    claimed = stuck(max_attempts=9)
    operations.cancel(Job.objects.get(pk=claimed.id))
    fail_stuck(PROCESS, {claimed.id}, "worker:test")
    assert fresh(claimed).status == "cancelled"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no row locks")
def test_one_that_locked_its_own_row_does_not_hold_up_who_reports_it() -> None:
    claimed = stuck()
    is_locked, may_end = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            Job.objects.select_for_update().get(pk=claimed.id)
            is_locked.set()
            may_end.wait(30)
        connections.close_all()

    holder = Thread(target=hold)
    holder.start()
    assert is_locked.wait(30)
    try:
        assert fail_stuck(PROCESS, {claimed.id}, "worker:test") == {claimed.id}
    finally:
        may_end.set()
        holder.join()
    assert fail_stuck(PROCESS, {claimed.id}, "worker:test") == set()
    assert fresh(claimed).status == "retrying"
