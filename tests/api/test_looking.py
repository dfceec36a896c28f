"""Questions about jobs, and waiting for their end."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_jobs.exceptions import WaitTimeout
from django_jobs.models import Job
from django_jobs.states import DELAYED, LIVE, TERMINAL, WAITING, Status
from tests import jobs
from tests.factories import JobFactory, ago, ahead
from tests.scenes import fresh, let_lease_expire, work

pytestmark = pytest.mark.django_db

QUESTIONS = [
    ("pending", {Status.PENDING}),
    ("running", {Status.RUNNING}),
    ("scheduled", {Status.SCHEDULED}),
    ("retrying", {Status.RETRYING}),
    ("completed", {Status.COMPLETED}),
    ("failed", {Status.FAILED}),
    ("waiting", WAITING),
    ("live", LIVE),
    ("delayed", DELAYED),
    ("finished", TERMINAL),
]


@pytest.mark.parametrize(("question", "expected"), QUESTIONS, ids=[one for one, _ in QUESTIONS])
def test_questions_by_status(any_status: None, question: str, expected: set[Status]) -> None:
    for one in Status:
        JobFactory(status=one)
    found = getattr(Job.objects, question)()
    assert set(found.values_list("status", flat=True)) == expected
    assert {job.status for job in Job.objects.all() if job in found} == expected


def test_is_finished(any_status: None) -> None:
    assert {one for one in Status if JobFactory(status=one).is_finished} == TERMINAL


def test_due_jobs(any_status: None) -> None:
    due = [
        JobFactory(),
        JobFactory(status=Status.SCHEDULED, scheduled_for=ago(seconds=1)),
        JobFactory(status=Status.RETRYING, scheduled_for=ago(seconds=1)),
    ]
    JobFactory(status=Status.SCHEDULED, scheduled_for=ahead(hours=1))
    JobFactory(status=Status.RUNNING, scheduled_for=ago(hours=1))
    assert set(Job.objects.due()) == set(due)


def test_stuck_jobs(any_status: None) -> None:
    stuck, fine = JobFactory.create_batch(2, status=Status.RUNNING)
    let_lease_expire(stuck)
    assert list(Job.objects.stuck()) == [stuck]
    assert fine in Job.objects.running()


def test_by_queue_and_by_name() -> None:
    first = JobFactory(queue="reports")
    second = JobFactory(job_name="tests.echo")
    assert list(Job.objects.for_queue("reports")) == [first]
    assert list(Job.objects.named("tests.echo")) == [second]
    assert list(Job.objects.for_queue("default").named("tests.add")) == []


def test_the_text_of_a_job_holds_no_arguments() -> None:
    assert str(JobFactory(params={"a": "secret"})).startswith("tests.add (")


# Waiting


def test_wait_returns_the_finished_job() -> None:
    job = jobs.add.later(1, 2)
    work()
    assert job.status == "pending"
    assert job.wait(timeout=5) is job
    assert (job.status, job.result) == ("completed", 3)


@pytest.mark.parametrize("timeout", [0, 0.01, -1])
def test_wait_gives_up(timeout: float) -> None:
    job = jobs.add.later(1)
    with pytest.raises(WaitTimeout, match="pending"):
        job.wait(timeout=timeout)
    with pytest.raises(WaitTimeout, match="pending"):
        async_to_sync(job.await_result)(timeout=timeout)
    assert fresh(job).status == "pending"


@pytest.mark.parametrize(
    ("enqueue", "success", "data", "error"),
    [
        (lambda: jobs.add.later(1, 2), True, 3, None),
        (lambda: jobs.fail_once.later("no luck"), False, None, "ValueError: no luck"),
        (lambda: jobs.discard.later("unwanted"), False, None, "discarded"),
    ],
    ids=["success", "failure", "discarded"],
)
def test_await_result(enqueue: Any, success: bool, data: Any, error: str | None) -> None:
    job = enqueue()
    work()
    result = async_to_sync(job.await_result)(timeout=5)
    assert (result.success, result.data, result.error) == (success, data, error)
    assert (result.metadata.job_id, result.metadata.attempt) == (job.pk, 1)
    assert result.metadata.duration >= 0


def test_a_result_has_the_type_that_the_function_returned() -> None:
    from datetime import date
    from decimal import Decimal

    report = jobs.Report("CA", date(2026, 1, 2), Decimal("1.5"), [jobs.Colour.BLUE])
    job = jobs.report.later(report.region, report.since, report.total, report.colours)
    work("reports")
    assert async_to_sync(job.await_result)(timeout=5).data == report


def test_the_result_of_a_job_that_nobody_knows_any_more(any_status: None) -> None:
    job = JobFactory(job_name="of.long.ago", status=Status.COMPLETED, result={"a": 1})
    assert job.as_result().data == {"a": 1}
