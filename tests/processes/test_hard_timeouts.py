"""Jobs in threads that nothing interrupts: recorded as failed, and their process is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from django_jobs.models import Job, WorkerProcess
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]

KILL_GRACE = 0.5
QUEUES = ("--queues", "default:2,slow:4")


def expiry(job: Job) -> datetime:
    return Job.objects.values_list("worker_expires_at", flat=True).get(pk=job.pk) or datetime.max


@pytest.fixture
def rude(request: pytest.FixtureRequest, trace: str, tmp_path: Path) -> Callable[[], Job]:
    """Enqueue a job that can't be interrupted."""
    kind = request.param
    arguments: dict[str, Any] = {"path": trace}
    if kind is jobs.read_pipe:
        os.mkfifo(tmp_path / "fifo")
        arguments["fifo"] = str(tmp_path / "fifo")
    if kind is jobs.hold_lock:
        arguments["seconds"] = 60
    return lambda: kind.later(**arguments)


every_kind = pytest.mark.parametrize(
    "rude",
    [jobs.swallow, jobs.read_pipe, jobs.block_loop, jobs.hold_lock],
    ids=lambda kind: kind.name,
    indirect=True,
)


@every_kind
def test_it_is_failed_once_and_its_neighbours_pay_nothing(
    worker_process: StartWorker, rude: Callable[[], Job], lines: Lines, gate_file: Path
) -> None:
    other = gate_file.with_name("other")
    neighbour = jobs.gate.later(path=str(other), opens=str(gate_file))
    # Leases of ten minutes: nobody but the parent can be the one who ends it.
    worker_process(*QUEUES, LEASE=600, KILL_GRACE=KILL_GRACE, GRACE=0.5)
    wait_until(other.exists, 30, "the neighbour to start")
    job = rude()
    wait_until(lines, 30, "the job to start")
    wait_for_status(job, Status.FAILED)
    assert "its thread could not be interrupted" in job.error
    assert job.transitions.get(to_status=Status.FAILED).reason.startswith("JobTimeout: ")
    wait_until(lambda: len(other.read_text().splitlines()) == 2, 30, "the neighbour's new attempt")
    gate_file.touch()
    wait_for_status(neighbour, Status.COMPLETED)
    assert (neighbour.attempt_count, neighbour.crash_count, neighbour.failure_count) == (2, 0, 0)
    job.refresh_from_db()
    assert (job.status, job.attempt_count) == (Status.FAILED, 1)
    assert (job.failure_count, job.crash_count) == (1, 0)
    assert len(lines()) == 1, "it ran once"


def test_neighbours_may_finish_within_the_grace_period(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    other = gate_file.with_name("other")
    neighbour = jobs.gate.later(path=str(other), opens=str(gate_file))
    worker_process(*QUEUES, LEASE=600, KILL_GRACE=KILL_GRACE, GRACE=60)
    wait_until(other.exists, 30, "the neighbour to start")
    job = jobs.swallow.later(path=trace)
    wait_for_status(job, Status.FAILED)
    (old,) = WorkerProcess.objects.values_list("pid", flat=True)
    gate_file.touch()
    wait_for_status(neighbour, Status.COMPLETED)
    assert neighbour.attempt_count == 1
    after = wait_for_status(jobs.pid.later(), Status.COMPLETED)
    assert after.result != old, "the old process claimed something"


@pytest.mark.parametrize("rude", [jobs.swallow, jobs.hold_lock], ids=str, indirect=True)
def test_the_heartbeat_goes_on_meanwhile(
    worker_process: StartWorker,
    rude: Callable[[], Job],
    lines: Lines,
    request: pytest.FixtureRequest,
) -> None:
    if connection.vendor == "sqlite" and "hold_lock" in request.node.name:
        # Its claimer may be amid the next claim: all threads of the process stand still, and with
        # them the only write lock there is.
        pytest.skip("a process that stands still may hold SQLite's write lock, see docs/sqlite.md")
    worker_process(*QUEUES, HEARTBEAT=0.2, KILL_GRACE=4, GRACE=0)
    job = rude()
    wait_until(lines, 30, "the job to start")
    first = expiry(job)
    wait_until(lambda: expiry(job) > first, 3, "a renewal")
    assert wait_for_status(job, Status.FAILED).attempt_count == 1


def test_it_is_retried_by_its_own_policy(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    job = jobs.swallow.using(max_attempts=2).later(path=trace)
    worker_process(*QUEUES, LEASE=600, KILL_GRACE=KILL_GRACE, GRACE=0, BACKOFF_BASE=0.1)
    wait_for_status(job, Status.FAILED, timeout=40)
    assert (job.attempt_count, job.failure_count, job.crash_count) == (2, 2, 0)
    pids = [line.split()[1] for line in lines()]
    assert len(set(pids)) == 2, "the second attempt ran in a new process"


def test_what_it_returns_in_the_end_is_dropped(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    """It comes back before its process is gone, which waits for a neighbour."""
    other = gate_file.with_name("other")
    jobs.gate.later(path=str(other), opens=str(gate_file))
    worker = worker_process(*QUEUES, LEASE=600, KILL_GRACE=KILL_GRACE, GRACE=60)
    wait_until(other.exists, 30, "the neighbour to start")
    job = jobs.late.later(path=trace, opens=str(gate_file))
    wait_for_status(job, Status.FAILED)
    gate_file.touch()
    wait_until(lambda: "was lost; its outcome is dropped" in worker.output, 30, "the refusal")
    job.refresh_from_db()
    assert (job.status, job.result, job.failure_count) == (Status.FAILED, None, 1)


def test_a_job_that_ends_in_time_leaves_its_process_alone(worker_process: StartWorker) -> None:
    worker_process(*QUEUES, KILL_GRACE=KILL_GRACE)
    before = wait_for_status(jobs.pid.later(), Status.COMPLETED)
    wait_for_status(jobs.timeout_thread.later(), Status.FAILED)
    wait_for_status(jobs.timeout_async.later(), Status.FAILED)
    # Longer than the hard deadline of those, in the same slots.
    slow = jobs.stubborn.later(path=os.devnull, seconds=3)
    wait_for_status(slow, Status.COMPLETED)
    after = wait_for_status(jobs.pid.later(), Status.COMPLETED)
    assert before.result == after.result


def test_a_drain_goes_on_after_it(worker_process: StartWorker, trace: str) -> None:
    job = jobs.swallow.later(path=trace)
    others = jobs.nothing.later_many([{}] * 20)
    worker = worker_process("--drain", *QUEUES, KILL_GRACE=KILL_GRACE, GRACE=0)
    assert worker.wait(60) == 0, worker.output
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert Job.objects.completed().count() == len(others)
