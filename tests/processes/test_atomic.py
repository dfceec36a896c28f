"""``atomic=True`` in real workers: killed, frozen or slow, its writes happen exactly once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from django_jobs.models import Job, JobLog, Queue
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]

#: Seconds.
LEASE = 3
SWEEP = 1

only_with_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite",
    reason="on SQLite the job's transaction keeps everybody else from writing",
)


def written() -> list[str]:
    return sorted(Queue.objects.filter(name__startswith="written-").values_list("name", flat=True))


def children() -> int:
    return Job.objects.named("processes.note").count()


def test_what_it_writes_shows_together_with_its_end(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    worker = worker_process("--queues", "slow:1")
    wait_until(lines, 30, "the job to start")
    assert (written(), children()) == ([], 0)
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (written(), children()) == (["written-1"], 1)
    assert (job.result, job.progress_message) == (1, "written")
    assert [line.message for line in JobLog.objects.filter(job=job)] == ["written"]
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert "outcome is dropped" not in worker.output


def test_a_kill_before_the_commit_leaves_nothing_and_the_next_attempt_writes_once(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    victim = worker_process("--queues", "slow:1", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lines, 30, "the job to start")
    victim.kill()
    gate_file.touch()
    worker_process("--queues", "slow:1", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_for_status(job, Status.COMPLETED)
    assert [line.split()[0] for line in lines()] == ["1", "2"], "it ran twice"
    assert (job.result, job.crash_count) == (2, 1)
    assert (written(), children()) == (["written-2"], 1)


def test_the_death_of_one_process_gives_the_job_to_the_next(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    worker_process("--queues", "slow:1", LEASE=600)
    wait_until(lines, 30, "the job to start")
    os.kill(int(lines()[0].split()[1]), signal.SIGKILL)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (written(), children()) == (["written-2"], 1)


@only_with_row_locks
def test_a_stale_holder_writes_nothing(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    alone = ("--name", "sleeper", "--queues", "slow:1", "--no-services")
    sleeper = worker_process(*alone, LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lines, 30, "the job to start")
    # The parent alone: its child goes on with the job, and nobody renews the lease.
    os.kill(sleeper.pid, signal.SIGSTOP)
    worker_process("--name", "heir", "--queues", "slow:1", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_until(lambda: "was lost; its outcome is dropped" in sleeper.output, 30, "the refusal")
    wait_for_status(job, Status.COMPLETED)
    assert (job.result, job.attempt_count, job.crash_count) == (2, 2, 1)
    assert (written(), children()) == (["written-2"], 1)


@only_with_row_locks
def test_its_progress_shows_and_its_lease_is_renewed_while_it_runs(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    """Nothing but its end locks the job's row."""
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    worker_process("--queues", "slow:1", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lambda: Job.objects.get(pk=job.pk).progress == 50, 30, "the progress")
    first = Job.objects.get(pk=job.pk).worker_expires_at
    assert first is not None
    wait_until(
        lambda: (Job.objects.get(pk=job.pk).worker_expires_at or first) > first, 30, "a renewal"
    )
    assert written() == []
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert [line.message for line in JobLog.objects.filter(job=job)] == ["written"]


def test_a_job_that_outlasts_its_lease_completes(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    """On SQLite no lease can be renewed meanwhile, and none be taken."""
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    other = jobs.nothing.using(queue="reports").later()
    one = worker_process(
        "--name", "one", "--queues", "slow:1,reports:1", LEASE=LEASE, SWEEP_INTERVAL=SWEEP
    )
    wait_until(lines, 30, "the job to start")
    worker_process("--name", "two", "--queues", "slow:1", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    enough = time.monotonic() + 2.5 * LEASE
    wait_until(lambda: time.monotonic() > enough, 30, "more than two leases")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    wait_for_status(other, Status.COMPLETED)
    assert (job.result, job.attempt_count, job.crash_count) == (1, 1, 0), one.output
    assert (written(), children()) == (["written-1"], 1)


def test_it_is_told_of_once(worker_process: StartWorker, trace: str, gate_file: Path) -> None:
    gate_file.touch()
    job = jobs.atomic_gate.later(path=trace, opens=str(gate_file))
    worker = worker_process("--queues", "slow:1,reports:1", "--drain", "--verbosity", "2")
    assert worker.wait() == 0
    wait_for_status(job, Status.COMPLETED)
    assert worker.output.count("processes.atomic_gate completed in") == 1
