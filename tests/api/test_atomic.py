"""``@job(atomic=True)``: writes, children, result and end are one transaction, fenced."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction

from django_jobs import job
from django_jobs.exceptions import InvalidJob, InvalidOption, LeaseLost
from django_jobs.execution import Attempt, attempt
from django_jobs.models import Job, JobLog
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.reporting import Reporter
from django_jobs.runtime.connections import tidy_connections
from django_jobs.services.rescue import rescue_lost
from django_jobs.stores.records import ClaimedJob
from tests import jobs
from tests.api.conftest import Received
from tests.scenes import (
    claim_one,
    finish,
    fresh,
    let_lease_expire,
    nothing_written,
    path,
    perform,
    rolled_back,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)


def groups() -> int:
    return Group.objects.count()


def children() -> int:
    return Job.objects.named("tests.add").count()


# Together


def test_a_job_that_returns_is_written_with_its_end(received: Received) -> None:
    row = jobs.write_atomically.later("one")
    assert [outcome.status for outcome in work()] == ["completed"]
    row.refresh_from_db()
    assert (row.status, row.result, row.progress) == ("completed", "one is written", 100)
    assert row.progress_message == "written"
    assert path(row) == ["pending", "running", "completed"]
    assert (groups(), children()) == (1, 1)
    assert [line.message for line in JobLog.objects.all()] == ["written"]
    assert received.names == ["job_enqueued", "job_started", "job_enqueued", "job_completed"]


def test_its_end_names_the_holder() -> None:
    row = jobs.write_atomically.later("one")
    work()
    end = row.transitions.get(to_status="completed")
    assert (end.actor, end.lease, end.attempt) == ("worker:test", 1, 1)


@pytest.mark.parametrize(
    ("then", "status", "failures"),
    [
        ("fail", "retrying", 1),
        ("retry", "retrying", 1),
        ("return a set", "failed", 1),
        ("snooze", "scheduled", 0),
        ("discard", "discarded", 0),
        ("cancel", "cancelled", 0),
        ("exit", "retrying", 1),
        ("swallow", "retrying", 1),
    ],
)
def test_every_other_end_undoes_all_it_wrote(then: str, status: str, failures: int) -> None:
    row = jobs.write_atomically.later("one", then)
    perform(claim_one())
    row.refresh_from_db()
    assert (row.status, row.failure_count, row.result) == (status, failures, None)
    assert (groups(), children()) == (0, 0)


@pytest.mark.parametrize(
    ("then", "error"),
    [("leave open", "left an atomic() block open"), ("lose the connection", "Error")],
)
def test_a_transaction_that_is_lost_is_a_failure(then: str, error: str) -> None:
    row = jobs.write_atomically.later("one", then)
    claimed = claim_one()
    done = attempted(claimed)
    assert finish(claimed, done.outcome)
    row.refresh_from_db()
    assert (row.status, row.failure_count) == ("retrying", 1)
    assert error in row.error
    assert (groups(), children()) == (0, 0)


def attempted(claimed: ClaimedJob) -> Attempt:
    """Make the attempt as a worker does: in a thread whose broken connections are dropped."""

    def run() -> Attempt:
        try:
            return attempt(jobs.write_atomically, claimed, Reporter(claimed))
        finally:
            tidy_connections()
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


def test_log_lines_and_progress_of_a_failure_are_kept() -> None:
    row = jobs.write_atomically.later("one", "fail")
    work()
    assert [line.message for line in JobLog.objects.all()] == ["written"]
    assert fresh(row).progress == 70


def test_a_swallowed_error_is_told() -> None:
    row = jobs.write_atomically.later("one", "swallow")
    work()
    assert "caught a database error outside of an atomic() block" in fresh(row).error


def test_what_fails_after_the_commit_undoes_nothing(
    received: Received, caplog: pytest.LogCaptureFixture
) -> None:
    row = jobs.write_atomically.later("one", "fail after commit")
    work()
    assert fresh(row).status == "completed"
    assert groups() == 1
    assert received.names[-1] == "job_completed"
    assert "after the commit" in caplog.text


# The lease


def test_a_lost_lease_undoes_everything(received: Received) -> None:
    row = jobs.write_atomically.later("one")
    stale = claim_one()
    let_lease_expire(stale)
    rescue_lost()
    received.clear()
    done = attempt(jobs.write_atomically, stale, Reporter(stale))
    assert not done.is_written
    assert isinstance(done.outcome.exception, LeaseLost)
    assert (groups(), children()) == (0, 0)
    assert not finish(stale, done.outcome)
    assert received.names == []
    assert fresh(row).crash_count == 1


def test_the_next_holder_writes_once() -> None:
    row = jobs.write_atomically.later("one")
    stale = claim_one()
    let_lease_expire(stale)
    rescue_lost()
    assert [outcome.status for outcome in work()] == ["completed"]
    perform(stale)
    row.refresh_from_db()
    assert (row.status, row.result, row.attempt_count) == ("completed", "one is written", 2)
    assert (groups(), children()) == (1, 1)


def test_a_lost_reply_to_the_commit_is_no_second_end(
    received: Received, caplog: pytest.LogCaptureFixture
) -> None:
    """The attempt goes on as a failure, which is refused: the job is completed already."""
    row = jobs.write_atomically.later("one", "lose the reply")
    claimed = claim_one()
    done = attempt(jobs.write_atomically, claimed, Reporter(claimed))
    assert (done.is_written, done.outcome.status) == (False, "retrying")
    assert not finish(claimed, done.outcome)
    row.refresh_from_db()
    assert (row.status, row.failure_count) == ("completed", 0)
    assert path(row) == ["pending", "running", "completed"]
    assert (groups(), children()) == (1, 1)


def test_a_request_to_cancel_comes_too_late_for_what_is_done() -> None:
    row = jobs.write_atomically.later("one")
    claimed = claim_one()
    Job.objects.filter(pk=row.pk).update(cancel_requested_at=row.created_at)
    assert perform(claimed) == Outcome.complete("one is written")
    assert fresh(row).status == "completed"


# In place


def test_now() -> None:
    result = jobs.write_atomically.now("one")
    assert (result.success, result.data) == (True, "one is written")
    assert fresh(result.metadata.job_id).status == "completed"  # type: ignore[arg-type]
    failed = jobs.write_atomically.now("two", then="fail")
    assert (failed.success, failed.metadata.status) == (False, "failed")
    assert (groups(), children()) == (1, 1)


def test_now_tells_of_it_once(received: Received) -> None:
    jobs.write_atomically.now("one")
    assert received.names.count("job_completed") == 1


def test_now_without_a_row() -> None:
    assert jobs.write_atomically.using(persist=False).now("one").data == "one is written"
    failed = jobs.write_atomically.using(persist=False).now("two", then="fail")
    assert failed.error == "Hiccup: two"
    assert groups() == 1
    assert not Job.objects.named("tests.write_atomically").exists()


def test_now_in_the_callers_transaction() -> None:
    with rolled_back():
        assert jobs.write_atomically.now("gone").success
    assert nothing_written()
    with transaction.atomic():
        Group.objects.create(name="before")
        assert not jobs.write_atomically.now("two", then="fail").success
        assert jobs.write_atomically.now("three").success
    assert set(Group.objects.values_list("name", flat=True)) == {"before", "three"}


def test_now_that_took_too_long_undoes_everything() -> None:
    """Nobody can take a lease while SQLite's one writer runs, so the lease is gone before."""
    row = jobs.write_atomically.later("one")
    claimed = claim_one(process=None)
    let_lease_expire(claimed)
    rescue_lost()
    perform(claimed)
    assert fresh(row).status == "failed"
    assert groups() == 0


# Defining


def test_async_jobs_can_not_be_atomic() -> None:
    async def fetch() -> None:
        pass

    fetch.__qualname__ = "fetch"
    with pytest.raises(InvalidJob, match=r"async def.*plain function"):
        job(atomic=True, name="tests.never")(fetch)
    assert registry.find("tests.never") is None


@pytest.mark.parametrize("value", [1, "yes", None])
def test_atomic_is_true_or_false(value: object) -> None:
    with pytest.raises(InvalidOption, match="atomic: True or False"):
        job(atomic=value)  # type: ignore[call-overload]


def test_atomic_is_fixed_by_the_definition() -> None:
    with pytest.raises(TypeError, match="atomic"):
        jobs.add.using(atomic=True)  # type: ignore[call-arg]


def test_a_level_of_logging_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "django_jobs"):
        jobs.write_atomically.later("one")
        work()
    assert caplog.text.count("completed in") == 1
