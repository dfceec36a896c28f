"""Worker processes that are replaced after so many jobs, or when they have grown too large."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from django.db.models import F

from django_jobs import operations
from django_jobs.models import Job, JobTransition, Worker
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status


def results() -> list[int]:
    return [int(result) for result in Job.objects.completed().values_list("result", flat=True)]


def nothing_was_lost(count: int) -> bool:
    assert Job.objects.completed().count() == count
    assert set(Job.objects.values_list("failure_count", "crash_count")) == {(0, 0)}
    ends = JobTransition.objects.filter(to_status=Status.COMPLETED)
    return ends.count() == count


def test_after_so_many_jobs_a_process_is_replaced(worker_process: StartWorker) -> None:
    jobs.pid.using(queue="slow").later_many([{}] * 60)
    worker = worker_process("--drain", "--queues", "slow:2", "--max-jobs", "10")
    assert worker.wait(90) == 0, worker.output
    assert nothing_was_lost(60)
    assert max(Counter(results()).values()) <= 10, "a process ran too many"
    assert not re.search("CRITICAL|ERROR|ended with", worker.output), worker.output


def test_a_process_that_has_grown_is_replaced_and_nothing_is_interrupted(
    worker_process: StartWorker, trace: str, gate_file: Path
) -> None:
    worker = worker_process("--queues", "slow:2,default:2", "--max-rss", "300M", GRACE=0)
    patient = jobs.gate.using(queue="default").later(path=trace, opens=str(gate_file))
    wait_until(Path(trace).exists, 30, "a job that takes long")
    big = wait_for_status(jobs.grow.later(mebibytes=300), Status.COMPLETED)
    # It claims nothing more, and waits for the other one.
    waiting = jobs.pid.using(queue="slow").later()
    wait_until(lambda: is_left_alone(), 30, "an idle process")
    gate_file.touch()
    wait_for_status(waiting, Status.COMPLETED)
    patient.refresh_from_db()
    assert (patient.status, patient.attempt_count) == (Status.COMPLETED, 1)
    assert waiting.result != big.result
    assert worker.exit_code is None


def is_left_alone() -> bool:
    """Whether jobs wait although there are slots."""
    probe = jobs.nothing.later()
    other = jobs.nothing.later()
    probe.refresh_from_db()
    other.refresh_from_db()
    return probe.status == other.status == Status.PENDING


def test_a_limit_that_is_too_low_still_lets_every_process_do_something(
    worker_process: StartWorker,
) -> None:
    jobs.pid.later_many([{}] * 3)
    worker = worker_process("--drain", "--queues", "default:1", "--max-rss", "2M")
    assert worker.wait(90) == 0, worker.output
    assert nothing_was_lost(3)


@pytest.mark.parametrize(("option", "most"), [(("--max-jobs", "2"), 2), (("--max-rss", "2M"), 3)])
def test_once_is_once(worker_process: StartWorker, option: tuple[str, str], most: int) -> None:
    jobs.nothing.later_many([{}] * 5)
    assert worker_process("--once", "--queues", "default:3", *option).wait() == 0
    assert Job.objects.completed().count() == most
    assert Job.objects.pending().count() == 5 - most


def test_an_operator_has_processes_replaced_and_nothing_is_interrupted(
    worker_process: StartWorker, trace: str, gate_file: Path
) -> None:
    worker = worker_process("--name", "old", "--queues", "slow:2,default:2", LEASE=6, GRACE=0)
    patient = jobs.gate.using(queue="default").later(path=trace, opens=str(gate_file))
    wait_until(Path(trace).exists, 30, "a job that takes long")
    before = worker.children()
    assert operations.replace_processes("old", by="ann")
    asked = Worker.objects.filter(last_heartbeat_at__gt=F("replace_asked_at"))
    wait_until(lambda: asked.exists(), 30, "the heartbeat that brings the order")
    gate_file.touch()
    wait_until(lambda: set(worker.children()).isdisjoint(before), 30, "the old process to go")
    wait_for_status(jobs.pid.later(), Status.COMPLETED)
    patient.refresh_from_db()
    assert (patient.status, patient.attempt_count) == (Status.COMPLETED, 1)
    assert worker.exit_code is None
    assert "ended with" not in worker.output
