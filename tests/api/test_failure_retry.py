"""A group of failures is retried little by little: as a canary, or some jobs per minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from django_jobs import failures, operations
from django_jobs.fingerprints import signature
from django_jobs.models import (
    FailureGroup,
    FailureRetry,
    Job,
    JobAudit,
    JobTransition,
    RetryEnd,
)
from django_jobs.outcome import Outcome
from django_jobs.services import failure_retry
from django_jobs.services.failure_retry import advance
from django_jobs.states import Status
from tests import jobs
from tests.factories import ago, failed_job
from tests.scenes import claim, finish, fresh, perform, status

pytestmark = pytest.mark.django_db

KIND = signature("tests.add", "ValueError", "tests.jobs.add")


@pytest.fixture
def group() -> FailureGroup:
    return FailureGroup.objects.create(
        fingerprint=KIND.fingerprint, job_name="tests.add", exception_type="ValueError"
    )


def dead_letters(count: int, fingerprint: str = KIND.fingerprint) -> list[Job]:
    """Failed jobs, the oldest first; run again they end well."""
    return [
        failed_job(
            fingerprint=fingerprint,
            params={"a": 1, "b": 2},
            completed_at=ago(minutes=count - number),
            failure_count=3,
        )
        for number in range(count)
    ]


def pending() -> int:
    return Job.objects.named("tests.add").pending().count()


def run_retried() -> None:
    """Let a worker run what was retried."""
    for job in claim(1000, names=["tests.add"]):
        perform(job)


def step(retry: FailureRetry) -> FailureRetry:
    """Advance, and tell how far the retry has come."""
    advance(retry.pk)
    return FailureRetry.objects.get(pk=retry.pk)


def started(retry: FailureRetry | None) -> FailureRetry:
    assert retry is not None
    return retry


# Canary


def test_one_then_ten_then_the_rest(group: FailureGroup) -> None:
    letters = dead_letters(20)
    retry = started(failures.retry_as_canary(group, by="eve"))
    assert retry.total == 20
    step(retry)
    assert [status(job) for job in letters[:2]] == [Status.PENDING, Status.FAILED], "the oldest"
    step(retry)
    assert pending() == 1, "it waits for the first one"
    run_retried()
    step(retry)
    assert pending() == 10
    run_retried()
    step(retry)
    assert pending() == 9
    done = step(retry)
    assert (done.end, done.retried) == (RetryEnd.DONE, 20)
    run_retried()
    assert {status(job) for job in letters} == {Status.COMPLETED}


def test_it_stops_when_one_fails_the_same_way(group: FailureGroup) -> None:
    letters = dead_letters(20)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    run_retried()
    step(retry)
    claimed = claim(10, names=["tests.add"])
    assert len(claimed) == 10
    for job in claimed[1:]:
        perform(job)
    assert finish(claimed[0], Outcome.fail("again", "again", None, KIND))
    stopped = step(retry)
    assert (stopped.end, stopped.culprit) == (RetryEnd.FAILED_ALIKE, claimed[0].id)
    step(retry)
    assert Job.objects.failed().count() == len(letters) - 10
    assert stopped.retried == 11


def test_it_does_not_wait_for_the_last_of_many_attempts(group: FailureGroup) -> None:
    dead_letters(2)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    (job,) = claim(names=["tests.add"])
    assert finish(job, Outcome.retry(3600, "again", "again", None, KIND))
    assert step(retry).end == RetryEnd.FAILED_ALIKE
    assert Job.objects.failed().count() == 1


def test_another_failure_that_is_tried_again_is_waited_for(group: FailureGroup) -> None:
    dead_letters(2)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    (job,) = claim(names=["tests.add"])
    other = signature("tests.add", "OSError")
    assert finish(job, Outcome.retry(3600, "other", "other", None, other))
    assert step(retry).ended_at is None
    assert pending() == 0
    operations.run_now(job.id)
    run_retried()
    step(retry)
    assert pending() == 1


@pytest.mark.parametrize("how", ["fail", "discard", "cancel"])
def test_it_stops_when_one_ends_badly_in_another_way(group: FailureGroup, how: str) -> None:
    dead_letters(2)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    (job,) = claim(names=["tests.add"])
    ends = {
        "fail": Outcome.fail("x", "x", None, signature("tests.add", "OSError")),
        "discard": Outcome.discard("x"),
        "cancel": Outcome.cancel("x"),
    }
    assert finish(job, ends[how])
    stopped = step(retry)
    assert (stopped.end, stopped.culprit) == (RetryEnd.FAILED_OTHERWISE, job.id)
    assert Job.objects.filter(completed_at__lt=stopped.started_at).failed().count() == 1


def test_a_job_that_is_gone_is_not_waited_for(group: FailureGroup) -> None:
    dead_letters(2)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    Job.objects.named("tests.add").pending().delete()
    step(retry)
    assert pending() == 1


def test_what_fails_again_or_later_is_left_alone(group: FailureGroup) -> None:
    dead_letters(1)
    retry = started(failures.retry_as_drip(group, 6000))
    later = failed_job(fingerprint=group.pk, completed_at=timezone.now() + timedelta(minutes=1))
    step(retry)
    (job,) = claim(names=["tests.add"])
    assert finish(job, Outcome.fail("again", "again", None, KIND))
    FailureRetry.objects.update(stepped_at=ago(minutes=5))
    assert step(retry).end == RetryEnd.DONE
    assert status(later) == Status.FAILED
    assert fresh(job).attempt_count == 1


def test_only_its_own_failures_are_retried(group: FailureGroup) -> None:
    others = [failed_job(), *dead_letters(1, "f" * 16)]
    retry = started(failures.retry_as_canary(group))
    assert step(retry).end == RetryEnd.DONE
    assert {status(job) for job in others} == {Status.FAILED}


def test_jobs_whose_key_is_taken_are_skipped_once(
    group: FailureGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = dead_letters(4)
    jobs.add.using(unique_key="taken").later(1)
    Job.objects.filter(pk__in=[job.pk for job in letters[:3]]).update(unique_key="taken")
    monkeypatch.setattr(failure_retry, "SKIPPED_MAX", 2)
    retry = started(failures.retry_as_drip(group, 6))
    for _ in range(2):
        skipped = step(retry)
    assert (len(skipped.skipped), skipped.end) == (2, "")
    assert step(retry).end == RetryEnd.REFUSED
    assert status(letters[3]) == Status.FAILED


# Drip


@pytest.mark.parametrize(("per_minute", "at_once"), [(1, 1), (6, 1), (60, 10), (600, 25)])
def test_a_drip_is_no_faster_than_asked(group: FailureGroup, per_minute: int, at_once: int) -> None:
    dead_letters(25)
    retry = started(failures.retry_as_drip(group, per_minute, by="eve"))
    first = advance(retry.pk)
    assert pending() == at_once
    again = advance(retry.pk)
    assert pending() == at_once, "not before its time"
    size = min(max(per_minute // 6, 1), 500)
    assert first.pause == pytest.approx(60 * size / per_minute)
    assert 0 < again.pause <= first.pause


def test_a_minute_of_a_drip(group: FailureGroup) -> None:
    dead_letters(40)
    retry = started(failures.retry_as_drip(group, 20))
    passed = 0.0
    while passed < 60:
        pause = advance(retry.pk).pause
        FailureRetry.objects.update(stepped_at=F("stepped_at") - timedelta(seconds=pause + 0.01))
        passed += pause
    assert pending() in (20, 21)


def test_a_drip_goes_on_whatever_becomes_of_its_jobs(group: FailureGroup) -> None:
    dead_letters(2)
    retry = started(failures.retry_as_drip(group, 1))
    step(retry)
    (job,) = claim(names=["tests.add"])
    assert finish(job, Outcome.fail("again", "again", None, KIND))
    FailureRetry.objects.update(stepped_at=ago(minutes=2))
    step(retry)
    assert pending() == 1


# The job that drives it


def test_it_runs_where_its_jobs_run(group: FailureGroup) -> None:
    failed_job(fingerprint=group.pk, queue="reports")
    retry = started(failures.retry_as_canary(group))
    assert fresh(retry.job_id).queue == "reports"


def test_one_at_a_time(group: FailureGroup) -> None:
    dead_letters(3)
    assert failures.retry_as_canary(group) is not None
    assert failures.retry_as_drip(group, 5) is None
    assert FailureRetry.objects.count() == 1
    assert Job.objects.named("jobs.retry_failures").count() == 1


def test_its_job_sleeps_between_the_steps_and_tells_how_far_it_is(group: FailureGroup) -> None:
    dead_letters(20)
    retry = started(failures.retry_as_canary(group, by="eve"))
    driver = Job.objects.get(pk=retry.job_id)
    for expected in (5, 55):
        outcome = perform(claim(names=[driver.job_name])[0])
        assert outcome.status == Status.SCHEDULED
        assert fresh(driver).progress == expected
        run_retried()
        operations.run_now(driver)
    assert perform(claim(names=[driver.job_name])[0]).status == Status.COMPLETED
    ended = fresh(driver)
    assert ended.progress == 100
    assert ended.result == {"end": "done", "retried": 20, "culprit": None}
    assert not failures.is_under_way(failures.latest_retry(group))  # type: ignore[arg-type]


def test_it_tells_why_it_stopped(group: FailureGroup) -> None:
    letters = dead_letters(2)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    (job,) = claim(names=["tests.add"])
    assert finish(job, Outcome.fail("again", "again", None, KIND))
    driver = Job.objects.get(pk=retry.job_id)
    perform(claim(names=[driver.job_name])[0])
    ended = fresh(driver)
    assert ended.status == Status.COMPLETED
    assert ended.result["culprit"] == str(letters[0].pk)
    assert ended.progress_message == "a retried job failed the same way"


def test_every_step_names_who_asked(group: FailureGroup) -> None:
    dead_letters(3)
    retry = started(failures.retry_as_canary(group, by="eve", reason="the bank is back"))
    step(retry)
    start, first = JobAudit.objects.order_by("pk")
    assert (start.actor, start.reason, start.target) == ("eve", "the bank is back", group.pk)
    assert (first.actor, first.source, first.count) == ("eve", "worker", 1)
    moved = JobTransition.objects.get(to_status=Status.PENDING, from_status=Status.FAILED)
    assert moved.actor == "operator:eve"


def test_stopping_it(group: FailureGroup) -> None:
    dead_letters(3)
    retry = started(failures.retry_as_canary(group))
    step(retry)
    assert failures.stop_retry(retry, by="eve")
    assert not failures.stop_retry(retry)
    assert status(retry.job_id) == Status.CANCELLED
    run_retried()
    assert step(retry).end == RetryEnd.STOPPED
    assert pending() == 0
    assert failures.retry_as_canary(group) is not None, "and another one may begin"


def test_a_job_that_was_cancelled_is_no_longer_under_way(group: FailureGroup) -> None:
    retry = started(failures.retry_as_canary(group))
    assert failures.is_under_way(retry)
    operations.cancel(retry.job_id)
    assert not failures.is_under_way(retry)


def test_without_its_row_there_is_nothing_to_do(group: FailureGroup) -> None:
    dead_letters(1)
    retry = started(failures.retry_as_canary(group))
    FailureRetry.objects.all().delete()
    assert advance(retry.pk).is_last
    assert pending() == 0


def test_a_step_that_is_undone_has_retried_nothing(
    group: FailureGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead_letters(3)
    retry = started(failures.retry_as_canary(group))

    def die(self: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FailureRetry, "save", die)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            advance(retry.pk)
    assert pending() == 0
    step(retry)
    assert pending() == 1


def rolled_back_on_error() -> Any:
    from django.db import transaction

    return transaction.atomic()
