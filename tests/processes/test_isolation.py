"""Jobs with ``isolation="process"``: what they do to themselves they do to nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from django_jobs import operations
from django_jobs.models import Job, Queue
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import WorkerProcess, starting_workers
from tests.processes import jobs
from tests.processes.conftest import wait_for_status
from tests.processes.looking import lives, pid_in

Lines = Callable[[], list[str]]

#: Seconds; for jobs that must be ended by force.
KILL_GRACE = 1.0
QUEUES = ("--queues", "default:2,slow:4")


@pytest.fixture(scope="module")
def worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[WorkerProcess]:
    """One for all tests that do not end it: to start one takes longer than most of them."""
    with django_db_blocker.unblock(), starting_workers() as start:
        worker = start(*QUEUES, KILL_GRACE=KILL_GRACE, BACKOFF_BASE=0.1)
        wait_until(lambda: "Ctrl-C" in worker.output, 30, "the worker")
        yield worker
        assert worker.exit_code is None, worker.output


@pytest.mark.parametrize("gate", [jobs.isolated_gate, jobs.isolated_gate_async])
def test_it_runs_in_a_process_of_its_own(
    worker: WorkerProcess, gate: Any, trace: str, lines: Lines, gate_file: Path
) -> None:
    gate_file.touch()
    first = wait_for_status(gate.later(path=trace, opens=str(gate_file)), Status.COMPLETED)
    second = wait_for_status(gate.later(path=trace, opens=str(gate_file)), Status.COMPLETED)
    here = wait_for_status(jobs.pid.later(), Status.COMPLETED)
    assert len({first.result, second.result, here.result, worker.pid}) == 4
    wait_until(lambda: not lives(int(first.result)), 10, "its end")


def test_progress_and_log_lines_are_visible_while_it_runs(
    worker: WorkerProcess, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.isolated_gate.later(path=trace, opens=str(gate_file))
    wait_until(lambda: Job.objects.filter(pk=job.pk, progress=40).exists(), 30, "progress")
    wait_until(job.log_lines.exists, 30, "the line")
    job.refresh_from_db()
    assert (job.status, job.progress_message) == (Status.RUNNING, "almost half")
    line = job.log_lines.get()
    assert (line.level, line.message, line.data) == ("warning", "careful", {"step": 3})
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert [line.message for line in job.log_lines.order_by("id")] == ["careful", "nearly there"]


@pytest.mark.parametrize(
    ("how", "failure"),
    [
        ("sys.exit", "SystemExit: 3"),
        ("ctrl-c", "KeyboardInterrupt"),
        ("raise", "ValueError: not this time"),
        ("memory", "MemoryError"),
    ],
)
def test_what_it_raises_is_its_failure(worker: WorkerProcess, how: str, failure: str) -> None:
    job = wait_for_status(jobs.isolated_ends.later(how=how), Status.FAILED)
    assert (job.failure_count, job.crash_count) == (1, 0)
    assert job.transitions.get(to_status=Status.FAILED).reason == failure
    assert "in isolated_ends" in job.error


@pytest.mark.parametrize("how", ["return", "fork", "database", "big result"])
def test_what_it_returns_arrives(worker: WorkerProcess, how: str) -> None:
    job = wait_for_status(jobs.isolated_ends.later(how=how), Status.COMPLETED)
    assert job.result == (how if how != "big result" else "x" * 900_000)
    assert job.attempt_count == 1
    assert Queue.objects.filter(name="written").exists() == (how == "database")


@pytest.mark.parametrize("fails", [False, True])
def test_an_atomic_one_is_one_transaction_with_its_end(
    worker: WorkerProcess, fails: bool, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.isolated_atomic.later(path=trace, opens=str(gate_file), fails=fails)
    wait_until(lines, 30, "the job to start")
    assert not Queue.objects.filter(name="written").exists()
    gate_file.touch()
    wait_for_status(job, Status.FAILED if fails else Status.COMPLETED)
    assert (job.progress, job.progress_message) == (90 if fails else 100, "written")
    assert [line.message for line in job.log_lines.order_by("id")] == ["first", "second"]
    assert Queue.objects.filter(name="written").exists() is not fails
    assert Job.objects.named("processes.nothing").exists() is not fails
    assert job.attempt_count == 1


def test_an_atomic_one_that_is_killed_leaves_nothing(
    worker: WorkerProcess, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.isolated_atomic.later(path=trace, opens=str(gate_file))
    wait_until(lines, 30, "the job to start")
    os.kill(pid_in(lines()[0]), signal.SIGKILL)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert Job.objects.named("processes.nothing").count() == 1
    assert (job.attempt_count, job.crash_count) == (2, 1)


@pytest.mark.parametrize(
    ("how", "explanation"),
    [
        ("segfault", "ended by SIGSEGV"),
        ("os._exit", "exited with 7 before the job had ended"),
        ("os._exit(0)", "exited with 0 before the job had ended"),
    ],
)
def test_a_crash_is_its_own_alone_and_three_are_enough(
    worker: WorkerProcess, how: str, explanation: str, trace: str, lines: Lines, gate_file: Path
) -> None:
    neighbours = [
        jobs.gate.later(path=trace, opens=str(gate_file)),
        jobs.isolated_gate.later(path=trace, opens=str(gate_file)),
    ]
    wait_until(lambda: len(lines()) == 2, 30, "the neighbours to start")
    job = wait_for_status(jobs.isolated_ends.later(how=how), Status.FAILED)
    assert (job.crash_count, job.failure_count, job.attempt_count) == (3, 0, 3)
    assert explanation in job.error
    assert job.transitions.get(to_status=Status.FAILED).reason == "crash_limit"
    assert job.log_lines.count() == 3, "the last words of each attempt"
    gate_file.touch()
    for neighbour in neighbours:
        wait_for_status(neighbour, Status.COMPLETED)
        assert (neighbour.attempt_count, neighbour.crash_count) == (1, 0)
    assert worker.exit_code is None


def test_a_timeout_is_soft_at_first(
    worker: WorkerProcess, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.isolated_gate.using(timeout=0.3, max_attempts=1).later(
        path=trace, opens=str(gate_file)
    )
    wait_for_status(job, Status.FAILED)
    assert "in wait_for_file" in job.error, "where it was when it was interrupted"
    assert "timeout of 0.3 seconds." in job.error


def test_in_a_system_call_it_is_interrupted_by_sigterm(
    worker: WorkerProcess, trace: str, lines: Lines, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    job = jobs.isolated_read_pipe.using(timeout=0.3).later(path=trace, fifo=str(tmp_path / "fifo"))
    wait_for_status(job, Status.FAILED)
    assert "in read_bytes" in job.error, "it could still tell where it was"
    assert (job.failure_count, job.crash_count) == (1, 0)


@pytest.mark.parametrize("rude", [jobs.isolated_deaf, jobs.isolated_hold_lock])
def test_one_that_hears_nothing_is_killed_at_its_hard_deadline(
    worker: WorkerProcess, rude: Any, trace: str, lines: Lines, gate_file: Path
) -> None:
    neighbour = jobs.gate.later(path=str(gate_file.with_name("other")), opens=str(gate_file))
    job = rude.using(timeout=0.5).later(path=trace)
    wait_for_status(job, Status.FAILED, timeout=20)
    assert "on for 1 more: its process was killed" in job.error
    assert job.transitions.get(to_status=Status.FAILED).reason.startswith("JobTimeout: ")
    assert (job.failure_count, job.crash_count) == (1, 0)
    took = (job.completed_at - job.worker_started_at).total_seconds()  # type: ignore[operator]
    assert took >= 0.5 + KILL_GRACE
    for place in range(1, len(lines()[0].split())):
        wait_until(lambda place=place: not lives(pid_in(lines()[0], place)), 10, "its end")  # type: ignore[misc]
    gate_file.touch()
    wait_for_status(neighbour, Status.COMPLETED)
    assert (neighbour.attempt_count, neighbour.crash_count) == (1, 0)


def test_one_that_ignores_the_request_is_killed(
    worker: WorkerProcess, trace: str, lines: Lines
) -> None:
    job = jobs.isolated_deaf.later(path=trace)
    wait_until(lines, 30, "the job to start")
    operations.cancel(job, by="ana")
    wait_for_status(job, Status.CANCELLED, timeout=20)
    reason = job.transitions.get(to_status=Status.CANCELLED).reason
    assert reason == "cancel requested; its process was killed"
    assert (job.failure_count, job.crash_count) == (0, 0)
    for place in (1, 2):
        wait_until(lambda place=place: not lives(pid_in(lines()[0], place)), 10, "its end")  # type: ignore[misc]
