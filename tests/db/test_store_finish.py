"""Finishing: every outcome with its columns, and the fence that only the current lease passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.utils import timezone

from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.base import Store
from django_jobs.stores.postgres import finishing
from django_jobs.stores.records import ClaimedJob, Finish, LogLine, Report
from tests.factories import JobFactory, ahead
from tests.scenes import (
    claim,
    claim_one,
    counts,
    finish,
    fresh,
    last_transition,
    let_lease_expire,
    make_due,
    path,
    seconds_until,
    status,
)


def line(message: str = "hello", **data: Any) -> LogLine:
    return LogLine(attempt=1, at=timezone.now(), level="info", message=message, data=data)


def news(job: ClaimedJob, percent: int | None = 50, *lines: LogLine) -> Report:
    return Report(job.id, job.lease, percent, "half", list(lines))


@pytest.fixture
def claimed(store: Store) -> ClaimedJob:
    JobFactory(max_attempts=5, failure_count=1, error="before", progress_message="begun")
    return claim_one()


# Outcomes

ENDS = [
    (Outcome.complete({"a": [1]}), "completed", 0),
    (Outcome.retry(30, "traceback", "ValueError"), "retrying", 1),
    (Outcome.fail("traceback", "gave up"), "failed", 1),
    (Outcome.snooze(30, None, "not yet"), "scheduled", 0),
    (Outcome.discard("not needed"), "discarded", 0),
    (Outcome.cancel("asked to"), "cancelled", 0),
    (Outcome.release("shutdown"), "pending", 0),
]


def test_a_crash_of_its_own_process_is_counted_and_is_no_failure(claimed: ClaimedJob) -> None:
    gone = Outcome(Status.RETRYING, error="segfault", reason="process_died", crashed=True)
    JobFactory()
    other = claim_one()
    assert claimed.crash_count == 0
    retry = replace(gone, crashed=False)
    # Alike but for what they count: they must not share a statement.
    assert all(active_store().finish([Finish(claimed, gone, "w"), Finish(other, retry, "w")]))
    row = fresh(claimed)
    assert (row.crash_count, row.failure_count, row.error) == (1, 1, "segfault")
    assert (fresh(other).crash_count, fresh(other).failure_count) == (0, 0)
    make_due(claimed)
    active_store().promote(10)
    assert {job.id: job.crash_count for job in claim()}[claimed.id] == 1


@pytest.mark.parametrize(("outcome", "expected", "failures"), ENDS, ids=lambda end: str(end)[:12])
def test_an_outcome_decides_status_counters_and_lease(
    claimed: ClaimedJob, outcome: Outcome, expected: str, failures: int
) -> None:
    assert finish(claimed, outcome)
    row = fresh(claimed)
    assert row.status == expected
    assert row.failure_count == 1 + failures
    assert (row.attempt_count, row.crash_count, row.lease) == (1, 0, 1)
    assert (row.worker_process, row.worker_expires_at) == (None, None)
    assert (row.completed_at is not None) == row.is_finished
    moved = last_transition(claimed)
    assert (moved.from_status, moved.to_status) == ("running", expected)
    assert (moved.attempt, moved.lease, moved.actor) == (1, 1, "worker:test")
    assert (moved.reason, moved.error) == (outcome.reason, outcome.error)


def test_a_completed_job_has_its_result(claimed: ClaimedJob) -> None:
    finish(claimed, Outcome.complete({"a": [1, None]}))
    row = fresh(claimed)
    assert (row.result, row.error, row.progress) == ({"a": [1, None]}, "", 100)
    assert -30 < seconds_until(row.completed_at) <= 0


def test_a_failed_job_keeps_its_traceback(claimed: ClaimedJob) -> None:
    finish(claimed, Outcome.fail("Traceback …", "ValueError: no"))
    assert fresh(claimed).error == "Traceback …"


@pytest.mark.parametrize("outcome", [Outcome.retry(40, ""), Outcome.snooze(40, None, "")])
def test_a_delay_counts_from_now_by_the_databases_clock(
    claimed: ClaimedJob, outcome: Outcome
) -> None:
    finish(claimed, outcome)
    assert 10 < seconds_until(fresh(claimed).scheduled_for) <= 40


def test_a_snooze_may_name_its_time(claimed: ClaimedJob) -> None:
    due = ahead(days=2)
    finish(claimed, Outcome.snooze(0, due, ""))
    assert fresh(claimed).scheduled_for == due


def test_a_report_lands_with_the_finish(claimed: ClaimedJob) -> None:
    finish(claimed, Outcome.fail("", "no"), news(claimed, 50, line("one"), line("two", a=1)))
    row = fresh(claimed)
    assert (row.progress, row.progress_message) == (50, "half")
    lines = row.log_lines.order_by("id")
    assert [(one.message, one.data, one.level, one.attempt) for one in lines] == [
        ("one", {}, "info", 1),
        ("two", {"a": 1}, "info", 1),
    ]


def test_many_outcomes_at_once(store: Store) -> None:
    JobFactory.create_batch(9)
    outcomes = [
        Outcome.complete(1),
        Outcome.complete(2),
        Outcome.complete(1),
        Outcome.retry(1, "a"),
        Outcome.retry(2, "a"),
        Outcome.fail("b", "c"),
        Outcome.discard("d"),
        Outcome.cancel("e"),
        Outcome.release("f"),
    ]
    taken = claim(9)
    finishes = [
        Finish(job, outcome, "worker:test") for job, outcome in zip(taken, outcomes, strict=True)
    ]
    assert store.finish(finishes) == outcomes
    assert [status(job) for job in taken] == [outcome.status for outcome in outcomes]
    assert [fresh(job).result for job in taken[:3]] == [1, 2, 1]
    assert counts()["completed"] == 3


def test_nothing_to_finish(store: Store) -> None:
    assert not store.finish([])


# A job that was asked to stop


@pytest.mark.parametrize(
    "outcome", [Outcome.retry(1, "x"), Outcome.snooze(1, None, ""), Outcome.release("bye")]
)
def test_it_is_not_put_back(store: Store, claimed: ClaimedJob, outcome: Outcome) -> None:
    store.cancel([claimed.id], "operator", "")
    (written,) = store.finish([Finish(claimed, outcome, "worker:test")])
    assert status(claimed) == Status.CANCELLED
    assert written is not None
    assert written.status == Status.CANCELLED


@pytest.mark.parametrize(
    "outcome", [Outcome.complete(1), Outcome.fail("", ""), Outcome.discard("")]
)
def test_what_is_done_is_done(store: Store, claimed: ClaimedJob, outcome: Outcome) -> None:
    store.cancel([claimed.id], "operator", "")
    assert finish(claimed, outcome)
    assert status(claimed) == outcome.status
    if outcome.status == Status.COMPLETED:
        assert fresh(claimed).result == 1


# The fence


def newer_holder(store: Store, stale: ClaimedJob) -> ClaimedJob:
    """The job was rescued from ``stale`` and claimed by another."""
    let_lease_expire(stale)
    store.rescue(10)
    store.promote(10)
    return claim_one(process=uuid7())


def by_finish(store: Store, job: ClaimedJob) -> Any:
    return any(store.finish([Finish(job, Outcome.complete("stale"), "worker:stale")]))


def by_failure(store: Store, job: ClaimedJob) -> Any:
    return any(store.finish([Finish(job, Outcome.fail("stale", "stale"), "worker:stale")]))


def by_release(store: Store, job: ClaimedJob) -> Any:
    return any(store.finish([Finish(job, Outcome.release("stale"), "worker:stale")]))


def by_snooze(store: Store, job: ClaimedJob) -> Any:
    return any(store.finish([Finish(job, Outcome.snooze(1, None, ""), "worker:stale")]))


def by_report(store: Store, job: ClaimedJob) -> Any:
    return store.report([news(job, 99, line("stale"))])


def by_finish_with_report(store: Store, job: ClaimedJob) -> Any:
    report = news(job, 99, line("stale"))
    return any(store.finish([Finish(job, Outcome.complete("stale"), "worker:stale", report)]))


STALE_WRITES = [by_finish, by_failure, by_release, by_snooze, by_report, by_finish_with_report]


@pytest.mark.parametrize("write", STALE_WRITES)
def test_a_stale_holder_changes_nothing_under_a_newer_one(
    store: Store, claimed: ClaimedJob, write: Callable[[Store, ClaimedJob], Any]
) -> None:
    newer = newer_holder(store, claimed)
    before = Job.objects.filter(pk=claimed.id).values().get()
    assert not write(store, claimed)
    assert Job.objects.filter(pk=claimed.id).values().get() == before
    assert not fresh(claimed).log_lines.exists()
    assert path(claimed) == ["running", "retrying", "pending", "running"]
    assert finish(newer, Outcome.complete("newer"))
    assert fresh(claimed).result == "newer"


@pytest.mark.parametrize("write", STALE_WRITES)
@pytest.mark.parametrize("ended", [Outcome.complete("first"), Outcome.release("first")])
def test_an_ended_lease_writes_nothing_more(
    store: Store, claimed: ClaimedJob, ended: Outcome, write: Callable[[Store, ClaimedJob], Any]
) -> None:
    assert finish(claimed, ended)
    before = Job.objects.filter(pk=claimed.id).values().get()
    assert not write(store, claimed)
    assert Job.objects.filter(pk=claimed.id).values().get() == before
    assert path(claimed) == ["running", ended.status]


def test_one_stale_outcome_does_not_hold_up_the_others(store: Store) -> None:
    JobFactory.create_batch(3)
    taken = claim(3)
    let_lease_expire(taken[1])
    store.rescue(10)
    finishes = [Finish(job, Outcome.complete(1), "worker:test") for job in taken]
    assert [outcome is not None for outcome in store.finish(finishes)] == [True, False, True]
    assert [status(job) for job in taken] == ["completed", "retrying", "completed"]


def test_of_two_attempts_in_one_batch_only_the_current_one_is_accepted(store: Store) -> None:
    """A process may hold both: it stood still, lost the job, and claimed it again."""
    JobFactory.create_batch(1)
    (stale,) = claim(1)
    let_lease_expire(stale)
    store.rescue(10)
    store.promote(10)
    (current,) = claim(1)
    assert current.id == stale.id
    finishes = [
        Finish(stale, Outcome.complete("stale"), "worker:test"),
        Finish(current, Outcome.complete("current"), "worker:test"),
    ]
    assert store.finish(finishes) == [None, finishes[1].outcome]
    assert Job.objects.get(pk=current.id).result == "current"


def test_a_finish_of_a_deleted_job_is_refused(store: Store, claimed: ClaimedJob) -> None:
    Job.objects.all().delete()
    assert not finish(claimed, Outcome.complete(1))


def test_a_late_finish_counts_while_nobody_took_the_job(store: Store, claimed: ClaimedJob) -> None:
    let_lease_expire(claimed)
    assert finish(claimed, Outcome.complete(1))


# Reports


def test_a_report_is_written_at_once(store: Store, claimed: ClaimedJob) -> None:
    store.report([news(claimed, 50, line("one"))])
    row = fresh(claimed)
    assert (row.status, row.progress, row.progress_message) == ("running", 50, "half")
    assert row.log_lines.get().message == "one"


def test_lines_alone_leave_the_progress(store: Store, claimed: ClaimedJob) -> None:
    store.report([news(claimed, 50)])
    store.report([Report(claimed.id, claimed.lease, None, "", [line("one")])])
    assert (fresh(claimed).progress, fresh(claimed).progress_message) == (50, "half")


def test_the_next_attempt_starts_at_zero(store: Store, claimed: ClaimedJob) -> None:
    finish(claimed, Outcome.retry(0, "x"), news(claimed, 50))
    assert fresh(claimed).progress == 50
    make_due(claimed)
    store.promote(10)
    claim_one()
    assert (fresh(claimed).progress, fresh(claimed).progress_message) == (0, "")


def test_results_that_are_too_much_for_one_statement(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "_MOST_TEXT", 10)
    JobFactory.create_batch(7)
    taken = claim(7)
    finishes = [Finish(job, Outcome.complete("x" * 4), "worker:test") for job in taken]
    finishes[2] = Finish(taken[2], Outcome.complete(None), "worker:test")
    finishes[4].job.lease += 1
    outcomes = [finish.outcome for finish in finishes]
    assert store.finish(finishes) == [*outcomes[:4], None, *outcomes[5:]]
    assert [fresh(job).result for job in taken] == ["xxxx"] * 2 + [None, "xxxx", None] + [
        "xxxx"
    ] * 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite stores a NUL in JSON")
def test_an_outcome_that_is_refused_dooms_the_callers_transaction(
    store: Store, claimed: ClaimedJob
) -> None:
    """Else its COMMIT would be a silent ROLLBACK, and it would be told all went well."""
    with transaction.atomic():
        with pytest.raises(DataError):
            store.finish([Finish(claimed, Outcome.complete("\0"), "worker:test")])
        assert connection.needs_rollback
        transaction.set_rollback(True)
