"""Operations: one job, an id, a queryset or a list; what was done and what was skipped and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jobs import operations
from django_jobs.exceptions import InvalidOption, InvalidQueueName
from django_jobs.ids import uuid7
from django_jobs.models import Job, Queue
from django_jobs.operations import OperationResult
from django_jobs.states import Status
from tests import jobs
from tests.factories import JobFactory, WorkerFactory, ahead
from tests.scenes import claim, fresh, last_transition, nothing_written, rolled_back, status

pytestmark = pytest.mark.django_db


def test_every_verb(any_status: None) -> None:
    failed = JobFactory(status=Status.FAILED)
    scheduled = JobFactory(status=Status.SCHEDULED, scheduled_for=ahead(days=1))
    waiting, letter = JobFactory(), JobFactory(status=Status.FAILED)
    assert operations.retry(failed).done == [failed.pk]
    assert operations.run_now(scheduled).done == [scheduled.pk]
    assert operations.cancel(waiting).done == [waiting.pk]
    assert operations.discard(letter).done == [letter.pk]
    assert [status(job) for job in (failed, scheduled, waiting, letter)] == [
        "pending",
        "pending",
        "cancelled",
        "discarded",
    ]


FORMS: list[Callable[[list[Job]], Any]] = [
    lambda rows: Job.objects.all(),
    lambda rows: Job.objects.order_by("id")[:3],
    lambda rows: Job.objects.pending(),
    lambda rows: rows,
    lambda rows: [row.pk for row in rows],
    lambda rows: (row for row in rows),
    lambda rows: {rows[0], rows[1].pk, rows[2]},
]


@pytest.mark.parametrize("form", FORMS, ids=[str(index) for index in range(len(FORMS))])
def test_every_form_of_the_jobs(form: Callable[[list[Job]], Any]) -> None:
    rows = JobFactory.create_batch(3)
    result = operations.cancel(form(rows))
    assert set(result.done) == {row.pk for row in rows}
    assert {status(row) for row in rows} == {"cancelled"}


def test_who_and_why_are_recorded() -> None:
    job = JobFactory()
    operations.cancel(job, by="eve", reason="a\0 " + "x" * 1000)
    moved = last_transition(job)
    assert moved.actor == "operator:eve"
    assert moved.reason.startswith("a\\x00 xxx")
    assert len(moved.reason) <= 500


def test_nobody_and_no_reason() -> None:
    job = JobFactory()
    operations.cancel(job)
    assert (last_transition(job).actor, last_transition(job).reason) == ("operator", "cancel")


def test_some_are_skipped(any_status: None) -> None:
    good = JobFactory.create_batch(3, status=Status.FAILED)
    running, done = JobFactory(status=Status.RUNNING), JobFactory(status=Status.COMPLETED)
    nobody = uuid7()
    result = operations.retry([*good, running, done, nobody])
    assert set(result.done) == {job.pk for job in good}
    assert result.skipped == {
        running.pk: "running",
        done.pk: "completed",
        nobody: "no such job",
    }
    assert result.summary() == "3 of 6 jobs done; 3 skipped: completed, no such job, running."


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (OperationResult([uuid7()]), "1 job done."),
        (OperationResult([uuid7(), uuid7()]), "2 jobs done."),
        (OperationResult(), "0 jobs done."),
        (OperationResult([], {uuid7(): "running"}), "0 of 1 jobs done; 1 skipped: running."),
    ],
)
def test_summaries(result: OperationResult, text: str) -> None:
    assert result.summary() == text


def test_many_jobs_go_in_batches_of_few_statements() -> None:
    jobs.add.later_many([{"a": number} for number in range(1100)])
    with CaptureQueriesContext(connection) as queries:
        result = operations.cancel(Job.objects.all())
    assert len(result.done) == 1100
    assert len(queries) < 150


def test_it_is_part_of_the_callers_transaction() -> None:
    job = JobFactory()
    with rolled_back():
        operations.cancel(job)
    assert status(job) == "pending"


def test_no_jobs() -> None:
    assert operations.retry(Job.objects.none()) == OperationResult()
    assert operations.retry([]) == OperationResult()
    assert nothing_written()


# Queues


def test_pause_and_resume() -> None:
    jobs.add.later(1)
    assert operations.pause_queue("default", by="eve", reason="too hot") is True
    assert operations.pause_queue("default") is False
    assert Queue.objects.get().paused_by == "eve"
    assert claim() == []
    assert operations.resume_queue("default", by="eve") is True
    assert operations.resume_queue("default") is False
    assert len(claim()) == 1


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 51, "a\n\n", None, 7])
def test_bad_queue_names(name: Any) -> None:
    for verb in (operations.pause_queue, operations.resume_queue):
        with pytest.raises(InvalidQueueName):
            verb(name)
    assert not Queue.objects.exists()


# Workers


def test_telling_a_worker_what_to_do() -> None:
    worker = WorkerFactory()
    for state in ("drain", "stop", "run"):
        assert operations.set_desired_state(worker.name, state) is True
        worker.refresh_from_db()
        assert worker.desired_state == state
    assert operations.set_desired_state("nobody", "stop") is False
    with pytest.raises(InvalidOption, match="run, drain, stop"):
        operations.set_desired_state(worker.name, "sleep")


def test_a_retried_now_may_run_in_a_worker() -> None:
    result = jobs.fail.now()
    job_id = result.metadata.job_id
    assert isinstance(job_id, UUID)
    operations.retry(job_id)
    assert [claimed.id for claimed in claim()] == [job_id]
    assert fresh(job_id).max_attempts == 1
