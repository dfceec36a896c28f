"""Operators and cleaners at once: exactly one wins, and the loser knows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection

from django_jobs import failures, operations
from django_jobs.locks import cluster_lock
from django_jobs.models import CronSlot, FailureGroup, Job, JobAudit, JobTransition
from django_jobs.services.cleanup import clean_up
from django_jobs.services.cron import fire_due_crons
from django_jobs.stores import active_store
from django_jobs.submitting import submit
from tests import jobs
from tests.factories import CronJobFactory, WorkerFactory, ago, failed_job
from tests.harness.at_once import AtOnce
from tests.scenes import (
    fresh,
    from_now,
    path,
)

ROUNDS = 12

Verb = Callable[[], Any]
VERBS: dict[str, Callable[[], Verb]] = {
    "pause": lambda: partial(operations.pause_queue, "reports"),
    "drain": lambda: partial(operations.set_desired_state, WorkerFactory().name, "drain"),
    "edit": lambda: partial(operations.edit_and_retry, failed_job(), {"a": 7}),
    "enqueue": lambda: partial(submit, jobs.add, [{"a": 7}]),
    "switch": lambda: partial(operations.switch_cron, CronJobFactory(), enabled=False),
    "run": lambda: partial(operations.enqueue_cron_job, CronJobFactory()),
    "mute": lambda: partial(failures.mute, _failure()),
    "canary": lambda: partial(failures.retry_as_canary, _failure()),
}


def _failure() -> FailureGroup:
    return FailureGroup.objects.create(
        fingerprint="f" * 16, job_name="tests.add", first_seen_at=ago(), last_seen_at=ago()
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_undone_for_others_runs_again_with_its_entry(verb: str) -> None:
    """As MariaDB does with one of two: at the very last statement, that of the audit."""
    asked, undone = VERBS[verb](), []

    def undo_once(execute: Any, sql: str, *rest: Any) -> Any:
        if JobAudit._meta.db_table in sql and not undone:
            undone.append(sql)
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return execute(sql, *rest)

    with connection.execute_wrapper(undo_once):
        assert asked() is not False
    assert undone
    assert JobAudit.objects.count() == 1


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
