"""What becomes of a job that raises: retried, given up, dropped, put back, ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_jobs import Cancel, Discard, Retry, Snooze
from django_jobs.decision import decide
from django_jobs.exceptions import JobTimeout, ResultNotSerializable
from django_jobs.models import Job
from django_jobs.options import JobOptions
from django_jobs.outcome import Outcome
from django_jobs.stores.records import ClaimedJob
from tests import jobs
from tests.factories import JobFactory, ahead
from tests.scenes import (
    Configure,
    claim_one,
    fresh,
    last_transition,
    make_due,
    perform,
    seconds_until,
    transitions,
    work,
    worked,
)

pytestmark = pytest.mark.django_db


def delay_of(job: Job) -> float:
    return seconds_until(fresh(job).scheduled_for)


# Retrying and giving up


def test_attempts_until_it_gives_up() -> None:
    job = jobs.fail.using(max_attempts=3).later(message="no luck")
    for expected in ("retrying", "retrying", "failed"):
        perform(claim_one())
        assert fresh(job).status == expected
        Job.objects.filter(status="retrying").update(status="pending")
    row = fresh(job)
    assert (row.attempt_count, row.failure_count, row.crash_count) == (3, 3, 0)
    assert row.error.endswith("ValueError: no luck\n")


def test_each_attempt_keeps_its_traceback() -> None:
    job = jobs.fail_twice.later()
    for _ in range(3):
        work()
        Job.objects.filter(status="retrying").update(status="pending")
    errors = transitions(job.pk).filter(to_status="retrying").values_list("error", "reason")
    assert [reason for _, reason in errors] == ["Hiccup: attempt 1", "Hiccup: attempt 2"]
    assert all("Traceback" in error and "fail_twice" in error for error, _ in errors)
    row = fresh(job)
    assert (row.status, row.result, row.error) == ("completed", 3, "")


def test_one_attempt_is_no_retry() -> None:
    assert worked(jobs.fail_once.later()).status == "failed"


@pytest.mark.parametrize(
    ("error", "expected", "failures"),
    [("hiccup", "retrying", 1), ("refusal", "discarded", 0), ("value", "failed", 1)],
)
def test_errors_to_retry_and_errors_to_drop(error: str, expected: str, failures: int) -> None:
    job = worked(jobs.pick_errors.later(error))
    assert (job.status, job.failure_count) == (expected, failures)
    assert error in last_transition(job).error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("unprintable", "Unprintable: <unprintable>"),
        ("exit", "SystemExit: as asked"),
        ("base", "BaseException: as asked"),
    ],
)
def test_odd_errors_are_recorded_too(error: str, reason: str) -> None:
    job = worked(jobs.fail.later(error))
    assert job.status == "retrying"
    assert last_transition(job).reason == reason


@pytest.mark.parametrize("message", ["a\0b \ud800", "x" * 50_000_000, "\u202e<script>"])
def test_odd_messages_are_storable(message: str) -> None:
    claimed = ClaimedJob(JobFactory().pk, "tests.fail", "default", {}, 1, 1, 0, 3, None, "")
    outcome = decide(claimed, JobOptions(), ValueError(message))
    real = claim_one()
    from tests.scenes import finish

    assert finish(real, outcome)
    assert len(fresh(real).error) < 70_000
    assert len(last_transition(real).reason) <= 500


# Backoff


def test_the_default_is_exponential_with_jitter(configure: Configure) -> None:
    configure(BACKOFF_BASE=100)
    delays = []
    for failures in range(4):
        job = jobs.fail.using(max_attempts=9, queue=f"queue-{failures}").later()
        Job.objects.filter(pk=job.pk).update(failure_count=failures)
        worked(job)
        delays.append(delay_of(job))
    for failures, delay in enumerate(delays):
        assert 50 * 2**failures - 30 < delay <= 100 * 2**failures


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (jobs.back_off_by_function, [10, 20, 30]),
        (jobs.back_off_by_list, [1, 120, 120]),
        (jobs.pick_errors, [15, 15, 15]),
    ],
    ids=["function", "list", "constant"],
)
def test_other_policies(job: Any, expected: list[int]) -> None:
    arguments = {"error": "hiccup"} if job is jobs.pick_errors else {}
    options = job.options
    for failures, delay in enumerate(expected):
        claimed = ClaimedJob(
            JobFactory().pk, job.name, "default", arguments, 1, 1, failures, 99, None, ""
        )
        assert decide(claimed, options, jobs.Hiccup()).delay == delay


def test_the_configured_policy_is_the_default(configure: Configure) -> None:
    configure(BACKOFF="linear", BACKOFF_BASE=100, BACKOFF_MAX=250)
    claimed = ClaimedJob(JobFactory().pk, "tests.fail", "default", {}, 1, 1, 1, 99, None, "")
    assert decide(claimed, JobOptions(), ValueError()).delay == 200
    claimed.failure_count, claimed.max_attempts = 900_000, 1_000_000
    assert decide(claimed, JobOptions(), ValueError()).delay == 250


# What a job raises to decide for itself


def test_retry_at_a_time_of_its_own() -> None:
    job = worked(jobs.retry_later.later(300, "rate limit"))
    assert (job.status, job.failure_count) == ("retrying", 1)
    assert 270 < delay_of(job) <= 300
    assert "rate limit" in last_transition(job).reason


def test_retry_without_a_delay_backs_off(configure: Configure) -> None:
    configure(BACKOFF="constant", BACKOFF_BASE=70)
    job = worked(jobs.retry_later.later())
    assert 40 < delay_of(job) <= 70


def test_retry_gives_up_as_well() -> None:
    assert worked(jobs.retry_later.using(max_attempts=1).later(1)).status == "failed"


def test_snooze_costs_no_failure() -> None:
    job = jobs.snooze.using(max_attempts=1).later(300, reason="not yet")
    for count in (1, 2, 3):
        row = worked(job)
        assert (row.status, row.failure_count, row.attempt_count) == ("scheduled", 0, count)
        assert 270 < delay_of(job) <= 300
        assert last_transition(job).reason == "not yet"
        make_due(job)
        Job.objects.update(status="pending")


def test_snooze_until() -> None:
    until = ahead(days=3)
    assert worked(jobs.snooze.later(until=until)).scheduled_for == until


@pytest.mark.parametrize(
    ("job", "expected"), [(jobs.discard, "discarded"), (jobs.cancel, "cancelled")]
)
@pytest.mark.parametrize("reason", ["not wanted", ""])
def test_discard_and_cancel_end_it(job: Any, expected: str, reason: str) -> None:
    row = worked(job.later(reason))
    assert (row.status, row.failure_count) == (expected, 0)
    assert last_transition(row).reason == (reason or f"{expected} by the job")


DECISIONS: list[tuple[BaseException, Outcome]] = [
    (Retry(delay=timedelta(minutes=2)), Outcome.retry(120, "", "")),
    (Retry(delay=-5), Outcome.retry(0, "", "")),
    (Retry(delay=1e12), Outcome.retry(3653 * 86_400, "", "")),
    (Retry(delay=10**400), Outcome.retry(3653 * 86_400, "", "")),
    (Retry(delay=float("inf")), Outcome.retry(3653 * 86_400, "", "")),
    (Retry(delay=float("nan")), Outcome.retry(15, "", "")),
    (Retry(delay="soon"), Outcome.retry(15, "", "")),  # type: ignore[arg-type]
    (Snooze(timedelta(minutes=2)), Outcome.snooze(120, None, "")),
    (Snooze(), Outcome.snooze(15, None, "")),
    (Snooze("soon"), Outcome.snooze(15, None, "")),  # type: ignore[arg-type]
    (Snooze(True), Outcome.snooze(15, None, "")),
    (Snooze(until=datetime(2030, 1, 1)), Outcome.snooze(15, None, "")),
    (Snooze(until=datetime(9999, 12, 31, tzinfo=UTC)), Outcome.snooze(15, None, "")),
    (Snooze(until="noon"), Outcome.snooze(15, None, "")),  # type: ignore[arg-type]
    (JobTimeout("x"), Outcome.retry(15, "", "")),
    (ResultNotSerializable("x"), Outcome.fail("", "")),
    (Discard("a\0"), Outcome.discard("a\\x00")),
    (Cancel(7), Outcome.cancel("7")),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("raised", "expected"), DECISIONS, ids=lambda one: repr(one)[:50])
def test_deciding_never_fails(raised: BaseException, expected: Outcome) -> None:
    claimed = ClaimedJob(JobFactory().pk, "tests.fail", "default", {}, 1, 1, 0, 3, None, "")
    options = JobOptions(backoff="constant", retry_for=(OSError,))
    outcome = decide(claimed, options, raised)
    assert (outcome.status, outcome.delay, outcome.due) == (
        expected.status,
        expected.delay,
        expected.due,
    )
    assert outcome.failed == expected.failed
    if expected.status in ("discarded", "cancelled"):
        assert outcome.reason == expected.reason


# Results


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (lambda: jobs.return_a_set.later(), "ResultNotSerializable: result"),
        (lambda: jobs.return_much.later(3_000_000), "ResultNotSerializable: result"),
        (lambda: jobs.return_nan.later(), "ResultNotSerializable: result"),
        (lambda: jobs.return_depth.later(500), "ResultNotSerializable: result"),
        (lambda: jobs.return_the_wrong_type.later(), "ResultNotSerializable: result"),
    ],
    ids=["set", "much", "nan", "depth", "type"],
)
def test_a_result_that_can_not_be_stored_is_a_final_failure(job: Any, reason: str) -> None:
    """Doing the work again would return the same."""
    row = worked(job())
    assert (row.status, row.result, row.failure_count) == ("failed", None, 1)
    assert last_transition(row).reason.startswith(reason)
    assert "ResultNotSerializable" in row.error


# Arguments that the code of today does not take


@pytest.mark.parametrize("params", [{}, {"a": "text"}, {"a": 1, "z": 2}, [1], 7, "text"])
def test_stored_arguments_that_no_longer_fit(params: Any) -> None:
    job = worked(JobFactory(params=params))
    assert job.status == "retrying"
    assert last_transition(job).reason.startswith("InvalidArguments")
