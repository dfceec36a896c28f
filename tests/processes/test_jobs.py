"""What becomes of jobs in a worker; one worker serves all tests of this module."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from django_jobs import operations
from django_jobs.models import Job, Queue
from django_jobs.states import Status
from tests.harness.outages import only_postgres
from tests.harness.waiting import wait_until
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]

pytestmark = pytest.mark.usefixtures("shared_worker")


def test_progress_and_log_lines_are_visible_while_a_job_holds_a_transaction(
    gate_file: Path,
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("a transaction on SQLite locks out every other writer, progress included")
    job = jobs.progress.later(opens=str(gate_file))
    wait_until(lambda: Job.objects.filter(pk=job.pk, progress=40).exists(), 30, "progress")
    job.refresh_from_db()
    assert (job.status, job.progress_message) == (Status.RUNNING, "almost half")
    line = job.log_lines.get()
    assert (line.level, line.message, line.data) == ("warning", "careful", {"step": 3})
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.progress, job.progress_message) == (100, "nearly there")


def test_progress_is_visible_while_a_job_runs(gate_file: Path) -> None:
    job = jobs.progress.later(opens=str(gate_file), in_transaction=False)
    wait_until(lambda: Job.objects.filter(pk=job.pk, progress=40).exists(), 30, "progress")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.progress, job.progress_message) == (100, "nearly there")


def test_a_paused_queue_is_left_alone_and_resumed() -> None:
    operations.pause_queue("default")
    paused = jobs.nothing.later()
    other = jobs.nothing.using(queue="slow").later()
    wait_for_status(other, Status.COMPLETED)
    paused.refresh_from_db()
    assert paused.status == Status.PENDING
    operations.resume_queue("default")
    wait_for_status(paused, Status.COMPLETED)


def test_a_running_job_sees_that_it_was_cancelled() -> None:
    job = jobs.cancellable.later()
    wait_for_status(job, Status.RUNNING)
    assert operations.cancel(job, by="ana").done == [job.pk]
    wait_for_status(job, Status.CANCELLED)


@pytest.mark.parametrize("tidies", [False, True])
def test_an_async_job_is_cancelled_where_it_waits(tidies: bool, trace: str, lines: Lines) -> None:
    job = jobs.cancellable_async.later(path=trace, tidies=tidies)
    wait_until(lines, 30, "the job to start")
    operations.cancel(job, by="ana")
    wait_for_status(job, Status.COMPLETED if tidies else Status.CANCELLED, timeout=10)
    assert lines() == ["started", "cancelled"]
    assert job.result == ("tidied" if tidies else None)
    assert (job.failure_count, job.crash_count) == (0, 0)


@pytest.mark.parametrize("how", ["sys.exit", "ctrl-c"])
def test_a_job_that_tries_to_leave_only_fails(how: str) -> None:
    job, after = jobs.leave.later(how=how), jobs.nothing.later()
    wait_for_status(job, Status.FAILED)
    wait_for_status(after, Status.COMPLETED)
    assert (job.failure_count, job.crash_count) == (1, 0)


@pytest.mark.parametrize("job_definition", [jobs.timeout_thread, jobs.timeout_async])
def test_a_job_that_takes_too_long_is_interrupted(job_definition: object) -> None:
    job = job_definition.later()  # type: ignore[attr-defined]
    wait_for_status(job, Status.FAILED)
    assert "timeout of 0.3 seconds" in job.error


@only_postgres
def test_an_interrupted_job_leaves_its_connection_to_nobody() -> None:
    lonely = jobs.connection_used.using(queue="single")
    before = wait_for_status(lonely.later(spins=False), Status.COMPLETED).result
    assert wait_for_status(lonely.later(spins=False), Status.COMPLETED).result == before
    wait_for_status(lonely.later(spins=True), Status.FAILED)
    assert wait_for_status(lonely.later(spins=False), Status.COMPLETED).result != before


def test_async_jobs_run_side_by_side() -> None:
    many = jobs.sleep_async.later_many([{"seconds": 0.5}] * 10)
    for job in many:
        wait_for_status(job, Status.COMPLETED)
    started = [Job.objects.get(pk=job.pk).worker_started_at for job in many]
    ended = [Job.objects.get(pk=job.pk).completed_at for job in many]
    assert max(filter(None, started)) < min(filter(None, ended)), "they ran one after another"
    assert Job.objects.get(pk=many[0].pk).result == "slept"


def test_a_failed_attempt_is_tried_again() -> None:
    job = jobs.retry_once.later()
    wait_for_status(job, Status.COMPLETED)
    assert (job.attempt_count, job.failure_count, job.result, job.error) == (2, 1, 2, "")
    failed = job.transitions.get(to_status=Status.RETRYING)
    assert "ValueError: not yet" in failed.error


def test_jobs_nobody_knows_wait() -> None:
    with transaction.atomic():
        job = jobs.nothing.later()
        Job.objects.filter(pk=job.pk).update(job_name="of.another.release")
        known = jobs.nothing.later()
    wait_for_status(known, Status.COMPLETED)
    job.refresh_from_db()
    assert job.status == Status.PENDING


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("unspeakable discard", Status.DISCARDED),
        ("unspeakable error", Status.FAILED),
        ("a timeout without a timeout", Status.FAILED),
        ("a control exception without its fields", Status.FAILED),
    ],
)
def test_an_end_that_cannot_be_described_is_an_end(how: str, status: str) -> None:
    wait_for_status(jobs.odd_end.later(how=how), status)


def test_a_transaction_left_open_ends_with_its_job() -> None:
    wait_for_status(jobs.leave_atomic_open.later(), Status.COMPLETED)
    after = wait_for_status(jobs.use_database.later(), Status.COMPLETED)
    assert after.result is False
    assert Queue.objects.filter(name="written").exists()


@pytest.mark.parametrize("rude", [jobs.cancel_task, jobs.stop_loop])
def test_an_async_job_cannot_take_the_loop_from_the_others(rude: Any) -> None:
    """The queue has one slot: if it were lost, the next job would never run."""
    wait_for_status(rude.later(), Status.COMPLETED, Status.RETRYING)
    wait_for_status(jobs.sleep_async.using(queue="single").later(seconds=0), Status.COMPLETED)


def test_what_is_logged_may_log_itself() -> None:
    job = wait_for_status(jobs.log_logger.later(), Status.COMPLETED)
    assert set(job.log_lines.values_list("message", flat=True)) == {"twice", "inside"}
