"""Signals: after commit, with the documented arguments, and unable to change an outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction

from django_jobs import operations, signals
from django_jobs.exceptions import LeaseLost
from django_jobs.models import Job
from django_jobs.services.rescue import rescue_dead_process, rescue_lost
from tests import jobs
from tests.api.conftest import SIGNALS, Received
from tests.factories import JobFactory
from tests.scenes import (
    PROCESS,
    Configure,
    claim_one,
    fresh,
    let_lease_expire,
    make_due,
    perform,
    rolled_back,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)
BASE = {"sender", "job_id", "job_name", "queue"}


def test_a_life(received: Received) -> None:
    job = jobs.add.later(1, 2)
    work()
    assert received.names == ["job_enqueued", "job_started", "job_completed"]
    for _, details in received:
        assert details["sender"] is jobs.add
        assert (details["job_id"], details["job_name"]) == (job.pk, "tests.add")
        assert details["queue"] == "default"
    assert received.of("job_enqueued")["job"] == job
    assert received.of("job_started")["attempt"] == 1
    completed = received.of("job_completed")
    assert (completed["attempt"], completed["correlation_id"]) == (1, "")
    assert completed["duration"] >= 0


def end_by_failure() -> None:
    jobs.fail_once.later("no luck")
    work()


def end_by_retry() -> None:
    jobs.back_off_by_function.later()
    work()


def end_by_discard() -> None:
    jobs.discard.later("unwanted")
    work()


def end_by_cancel() -> None:
    jobs.cancel.later("enough")
    work()


def end_by_operators_discard() -> None:
    operations.discard(jobs.add.later(1), reason="unwanted")


def end_by_operators_cancel() -> None:
    operations.cancel(jobs.add.later(1), reason="enough")


@pytest.mark.parametrize(
    ("happen", "name", "expected"),
    [
        (end_by_failure, "job_failed", {"attempt": 1, "reason": "ValueError: no luck"}),
        (end_by_retry, "job_retrying", {"attempt": 1, "reason": "Hiccup", "delay": 10.0}),
        (end_by_discard, "job_discarded", {"reason": "unwanted"}),
        (end_by_cancel, "job_cancelled", {"reason": "enough"}),
        (end_by_operators_discard, "job_discarded", {"reason": "unwanted"}),
        (end_by_operators_cancel, "job_cancelled", {"reason": "enough"}),
    ],
)
def test_the_end_of_an_attempt(
    received: Received, happen: Callable[[], None], name: str, expected: dict[str, Any]
) -> None:
    happen()
    assert received.names[-1] == name
    told = received.of(name)
    assert told.keys() >= BASE
    assert {key: told[key] for key in expected} == expected
    if name in ("job_failed", "job_retrying"):
        assert isinstance(told["exception"], Exception)
        assert "Traceback" in told["error"]


def test_a_snooze_is_no_end(received: Received) -> None:
    jobs.snooze.later(5)
    work()
    assert received.names == ["job_enqueued", "job_started"]


def test_a_running_job_that_is_asked_to_stop_has_not_ended(received: Received) -> None:
    jobs.add.later(1)
    claimed = claim_one()
    operations.cancel(claimed.id)
    assert "job_cancelled" not in received.names


def test_what_is_told_is_what_was_written(received: Received) -> None:
    """A failure of a job that was asked to stop is not put back, and so not told as a retry."""
    result = jobs.cancel_itself.now()
    assert fresh(result.metadata.job_id).status == "failed"  # type: ignore[arg-type]
    received.clear()
    job = jobs.cancel_itself.later()
    work()
    assert fresh(job).status == "cancelled"
    assert received.names == ["job_enqueued", "job_started", "job_cancelled"]


# Rescue


def test_a_rescue(received: Received) -> None:
    jobs.add.later(1)
    let_lease_expire(claim_one())
    rescue_lost()
    told = received.of("job_rescued")
    assert told.keys() >= BASE
    assert (told["status"], told["crash_count"]) == ("retrying", 1)
    assert "job_failed" not in received.names


def test_the_last_crash_is_a_failure(received: Received, configure: Configure) -> None:
    configure(CRASH_LIMIT=2)
    job = jobs.add.later(1)
    for _ in range(2):
        claimed = claim_one()
        rescue_dead_process(PROCESS, [claimed.id])
        make_due(job)
        Job.objects.filter(status="retrying").update(status="pending")
    rescues = [details for name, details in received if name == "job_rescued"]
    assert [told["status"] for told in rescues] == ["retrying", "failed"]
    failed = received.of("job_failed")
    assert failed.keys() >= {*BASE, "attempt", "error", "reason", "exception"}
    assert (failed["attempt"], failed["reason"], failed["exception"]) == (2, "crash_limit", None)


# Progress


def test_progress(received: Received, configure: Configure) -> None:
    configure(PROGRESS_INTERVAL=0)
    jobs.tell_progress.now([10, 20], "begun")
    told = [details for name, details in received if name == "job_progressed"]
    assert [(one["percent"], one["message"]) for one in told] == [(10, "begun"), (20, "begun")]
    assert told[0].keys() >= BASE


# After commit


def test_nothing_is_told_before_the_commit(received: Received) -> None:
    with transaction.atomic():
        jobs.add.later(1)
        jobs.add.later_many([{"a": 1}, {"a": 2}])
        jobs.add.now(1)
        jobs.fail.now()
        operations.cancel(JobFactory())
        assert received == []
    assert received.names == [
        "job_enqueued",
        "job_enqueued",
        "job_enqueued",
        "job_enqueued",
        "job_started",
        "job_completed",
        "job_enqueued",
        "job_started",
        "job_failed",
        "job_cancelled",
    ]


def test_nothing_is_told_of_what_was_rolled_back(received: Received) -> None:
    with rolled_back():
        jobs.add.later(1)
        jobs.add.now(1)
        operations.cancel(JobFactory())
    assert received == []


def test_a_receiver_sees_the_committed_row(received: Received) -> None:
    seen: list[Any] = []

    def look(job_id: Any, **details: Any) -> None:
        assert not transaction.get_connection().in_atomic_block
        seen.append(fresh(job_id).status)

    signals.job_completed.connect(look)
    jobs.add.later(1)
    work()
    signals.job_completed.disconnect(look)
    assert seen == ["completed"]


def test_a_dropped_outcome_is_not_told(received: Received) -> None:
    jobs.add.later(1)
    claimed = claim_one()
    let_lease_expire(claimed)
    rescue_lost()
    received.clear()
    perform(claimed)
    assert received.names == ["job_started"]
    received.clear()
    with pytest.raises(LeaseLost):
        jobs.lose_the_lease.now()
    assert "job_completed" not in received.names


# Receivers that break


def broken(**details: Any) -> None:
    raise RuntimeError("a receiver that breaks")


@pytest.fixture
def all_broken() -> Iterator[None]:
    for signal in SIGNALS.values():
        signal.connect(broken)
    yield
    for signal in SIGNALS.values():
        signal.disconnect(broken)


def test_a_broken_receiver_changes_nothing(
    all_broken: None, received: Received, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic():
        job = jobs.add.later(1)
    failing = jobs.fail_once.later()
    work()
    assert jobs.add.now(1, 2).data == 3
    operations.cancel(jobs.add.later(1))
    assert [fresh(one).status for one in (job, failing)] == ["completed", "failed"]
    assert received.names.count("job_completed") == 2, "the others are told all the same"
    assert "a receiver that breaks" in caplog.text


def test_what_becomes_of_jobs_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "django_jobs")
    jobs.add.later(1)
    jobs.fail_once.later("no luck")
    jobs.back_off_by_function.later()
    work()
    for expected in (
        "tests.add completed in",
        "tests.fail_once gave up after attempt 1: ValueError: no luck",
        "tests.back_off_by_function failed at attempt 1 and runs again in 10.0 s: Hiccup",
    ):
        assert expected in caplog.text


def test_a_site_whose_log_records_refuse_ours_works_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``job_id`` is a name that a site's own record factory may have taken."""
    ordinary = logging.getLogRecordFactory()

    def with_job_id(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = ordinary(*args, **kwargs)
        record.job_id = "-"
        return record

    monkeypatch.setattr(logging, "_logRecordFactory", with_job_id)
    caplog.set_level("DEBUG", "django_jobs")
    jobs.add.later(1)
    work()
    assert "could not be logged" in caplog.text
