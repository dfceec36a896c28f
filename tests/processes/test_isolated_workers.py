"""Workers with isolated jobs: what becomes of these when the worker stops, dies or is crippled."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from django_jobs import operations
from django_jobs.models import Worker
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status
from tests.processes.looking import lives, pid_in

Lines = Callable[[], list[str]]

QUEUES = ("--queues", "default:2,slow:4")


def test_after_its_first_crash_it_runs_again_at_once(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    worker_process(*QUEUES, BACKOFF_BASE=600)
    job = jobs.isolated_gate.later(path=trace, opens=str(gate_file))
    wait_until(lines, 30, "the job to start")
    os.kill(pid_in(lines()[0]), signal.SIGKILL)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.crash_count, job.failure_count, job.attempt_count) == (1, 0, 2)
    assert job.transitions.get(to_status=Status.RETRYING).reason == "process_died"


@pytest.mark.parametrize("polite", [jobs.isolated_cancellable, jobs.isolated_cancellable_async])
def test_a_request_to_cancel_reaches_it(
    worker_process: StartWorker, polite: Any, trace: str, lines: Lines
) -> None:
    worker_process(*QUEUES, KILL_GRACE=60)
    job = polite.later(path=trace)
    wait_until(lines, 30, "the job to start")
    operations.cancel(job, by="ana")
    wait_for_status(job, Status.CANCELLED)
    assert job.transitions.get(to_status=Status.CANCELLED).reason == "cancel requested"


def test_nothing_is_left_when_the_worker_is_killed(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    worker = worker_process(*QUEUES)
    jobs.isolated_deaf.later(path=trace)
    wait_until(lines, 30, "the job to start")
    nursery = psutil.Process(pid_in(lines()[0])).ppid()
    os.kill(worker.pid, signal.SIGKILL)
    for pid in (pid_in(lines()[0]), pid_in(lines()[0], 2), nursery):
        wait_until(lambda pid=pid: not lives(pid), 10, "its end")  # type: ignore[misc]


def test_a_worker_without_its_nursery_is_replaced(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    worker_process(*QUEUES)
    job = jobs.isolated_gate.later(path=trace, opens=str(gate_file))
    wait_until(lines, 30, "the job to start")
    os.kill(pid_in(lines()[0], 2), signal.SIGKILL)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert job.crash_count == 1
    assert not lives(pid_in(lines()[0]))


@pytest.mark.parametrize(
    ("grace", "number"), [(60, signal.SIGTERM), (60, signal.SIGINT), (0.2, signal.SIGTERM)]
)
def test_a_worker_that_stops_lets_it_finish_or_releases_it(
    worker_process: StartWorker,
    trace: str,
    lines: Lines,
    gate_file: Path,
    grace: float,
    number: signal.Signals,
) -> None:
    job = jobs.isolated_gate.later(path=trace, opens=str(gate_file))
    worker = worker_process(*QUEUES, "--grace", str(grace))
    wait_until(lines, 30, "the job to start")
    # To all processes at once, as systemd does it.
    for pid in (*worker.members(), pid_in(lines()[0])):
        os.kill(pid, number)
    if grace == 60:
        wait_until(Worker.objects.filter(state="draining").exists, 30, "draining")
        gate_file.touch()
    assert worker.wait() == 0
    job.refresh_from_db()
    assert job.status == (Status.COMPLETED if grace == 60 else Status.PENDING)
    assert (job.attempt_count, job.crash_count, job.failure_count) == (1, 0, 0)
    wait_until(lambda: not lives(pid_in(lines()[0])), 10, "its end")
