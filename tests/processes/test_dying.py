"""Workers that are killed, stopped, or stand still: no job is lost, none is finished twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from django_jobs import operations
from django_jobs.models import Job, JobTransition, Worker, WorkerProcess
from django_jobs.states import Status
from tests.harness.freezing import freeze, thaw
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]

#: Seconds; short enough for a test, long enough for a slow machine to renew in time.
LEASE = 3
SWEEP = 1


def test_the_job_of_a_killed_worker_runs_again(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    victim = worker_process("--name", "victim", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lines, 30, "the job to start")
    victim.kill()
    gate_file.touch()
    worker_process("--name", "survivor", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_for_status(job, Status.COMPLETED)
    assert (job.attempt_count, job.crash_count, job.failure_count) == (2, 1, 0)
    lost = job.transitions.get(reason="worker_lost")
    claimed = job.transitions.filter(to_status=Status.RUNNING).order_by("id")[0]
    waited = (lost.at - claimed.at).total_seconds()
    assert waited >= LEASE - 0.5, "taken before its lease ran out"


def test_a_dead_process_is_replaced_and_its_job_given_back_at_once(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    # With leases of ten minutes only the parent can be the one who gives it back in time.
    worker_process(LEASE=600)
    wait_until(lines, 30, "the job to start")
    os.kill(int(lines()[0].split()[1]), signal.SIGKILL)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.attempt_count, job.crash_count) == (2, 1)
    assert WorkerProcess.objects.count() == 1


@pytest.mark.fault("F38")
def test_processes_do_not_outlive_their_parent(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process("--processes", "2")
    wait_until(lines, 30, "the job to start")
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: not worker.members(), 10, "the children to end")


def test_a_worker_that_stood_still_finishes_nothing_that_was_taken_from_it(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    # One slot and no services: it can neither rescue the job itself nor take it again.
    alone = ("--name", "sleeper", "--queues", "slow:1", "--no-services")
    sleeper = worker_process(*alone, LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lines, 30, "the job to start")
    # The parent alone: its child goes on with the job, and nobody renews the lease.
    freeze([sleeper.pid])
    worker_process("--name", "heir", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_until(lambda: "was lost; its outcome is dropped" in sleeper.output, 30, "the refusal")
    wait_for_status(job, Status.COMPLETED)
    assert (job.result, job.attempt_count, job.crash_count) == (2, 2, 1)
    ends = job.transitions.filter(to_status=Status.COMPLETED)
    assert [end.lease for end in ends] == [2]


def test_a_worker_that_stood_still_as_a_whole_goes_on(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    sleeper = worker_process("--name", "sleeper", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lines, 30, "the job to start")
    members = sleeper.members()
    freeze(members)
    worker_process("--name", "heir", LEASE=LEASE, SWEEP_INTERVAL=SWEEP)
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    thaw(members)
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.result, job.crash_count) == (2, 1)
    after = jobs.nothing.using(queue="reports").later()
    wait_for_status(after, Status.COMPLETED)
    assert sleeper.exit_code is None


def test_a_process_that_stands_still_while_its_parent_lives_is_replaced(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    """Its leases are renewed by the parent, which must not do so for ever."""
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process(LEASE=LEASE, SWEEP_INTERVAL=600)
    wait_until(lines, 30, "the job to start")
    freeze([int(lines()[0].split()[1])])
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.result, job.attempt_count, job.crash_count) == (2, 2, 1)
    assert "has stood still; it is replaced" in worker.output
    assert worker.exit_code is None


@pytest.mark.fault("F28")
@pytest.mark.parametrize("how", ["die", "segfault", "as if done", "as if worn out"])
def test_a_job_that_kills_its_process_three_times_becomes_a_dead_letter(
    worker_process: StartWorker, how: str
) -> None:
    job = jobs.leave.later(how=how)
    worker_process(BACKOFF_BASE=0.1)
    wait_for_status(job, Status.FAILED)
    assert (job.crash_count, job.failure_count) == (3, 0)
    assert job.transitions.get(to_status=Status.FAILED).reason == "crash_limit"


def test_a_worker_whose_row_was_deleted_writes_it_again(worker_process: StartWorker) -> None:
    worker = worker_process("--name", "forgotten", LEASE=LEASE)
    wait_until(lambda: WorkerProcess.objects.filter(worker="forgotten").exists(), 30, "the worker")
    Worker.objects.get(name="forgotten").delete()
    wait_until(lambda: WorkerProcess.objects.filter(worker="forgotten").exists(), 30, "the row")
    assert "heartbeat failed" not in worker.output


def test_sigterm_lets_a_job_finish(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    waiting = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process("--queues", "slow:1")
    wait_until(lines, 30, "the job to start")
    worker.send(signal.SIGTERM)
    wait_until(lambda: Worker.objects.get().state == "draining", 30, "draining")
    gate_file.touch()
    assert worker.wait() == 0
    job.refresh_from_db()
    waiting.refresh_from_db()
    assert (job.status, waiting.status) == (Status.COMPLETED, Status.PENDING)
    assert Worker.objects.get().state == "stopped"
    assert not WorkerProcess.objects.exists()


def test_sigterm_to_all_processes_at_once_counts_as_one(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    """As systemd does it by default."""
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process()
    wait_until(lines, 30, "the job to start")
    for pid in worker.members():
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: Worker.objects.get().state == "draining", 30, "draining")
    gate_file.touch()
    assert worker.wait() == 0
    job.refresh_from_db()
    assert (job.status, job.attempt_count) == (Status.COMPLETED, 1)


def test_after_the_grace_period_a_job_is_released_at_no_cost(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    job = jobs.stubborn.later(path=trace, seconds=30)
    worker = worker_process("--grace", "0.2")
    wait_until(lines, 30, "the job to start")
    worker.send(signal.SIGTERM)
    assert worker.wait(15) == 0
    job.refresh_from_db()
    assert job.status == Status.PENDING
    assert (job.attempt_count, job.failure_count, job.crash_count) == (1, 0, 0)
    assert job.transitions.order_by("id").last().reason == "worker stopped"


def test_a_second_signal_does_not_wait(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    job = jobs.stubborn.later(path=trace, seconds=30)
    worker = worker_process("--grace", "60")
    wait_until(lines, 30, "the job to start")
    worker.send(signal.SIGINT)
    wait_until(lambda: Worker.objects.get().state == "draining", 30, "draining")
    worker.send(signal.SIGINT)
    assert worker.wait(15) == 0
    job.refresh_from_db()
    assert job.status == Status.PENDING
    assert not Job.objects.running().exists()


def test_leases_are_renewed_while_a_job_runs_longer_than_its_lease(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    job = jobs.stubborn.later(path=trace, seconds=LEASE * 2.0)
    workers = [
        worker_process("--name", f"worker-{n}", LEASE=LEASE, SWEEP_INTERVAL=0.2) for n in range(2)
    ]
    wait_for_status(job, Status.COMPLETED)
    assert lines() == ["started", "ended"]
    assert (job.attempt_count, job.crash_count) == (1, 0)
    assert [worker.exit_code for worker in workers] == [None, None]


@pytest.mark.fault("F37")
def test_the_drain_after_sigterm_may_take_longer_than_the_lease(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    job = jobs.stubborn.later(path=trace, seconds=LEASE * 1.5)
    leaving = worker_process("--name", "leaving", LEASE=LEASE, SWEEP_INTERVAL=0.2)
    wait_until(lines, 30, "the job to start")
    worker_process("--name", "other", LEASE=LEASE, SWEEP_INTERVAL=0.2)
    leaving.send(signal.SIGTERM)
    assert leaving.wait() == 0
    job.refresh_from_db()
    assert (job.status, job.attempt_count) == (Status.COMPLETED, 1)


def test_a_worker_obeys_the_desired_state(worker_process: StartWorker) -> None:
    worker = worker_process("--name", "obedient", HEARTBEAT=0.2)
    wait_until(lambda: Worker.objects.filter(state="running").exists(), 30, "the worker")
    operations.set_desired_state("obedient", "drain")
    wait_until(lambda: Worker.objects.get().state == "draining", 30, "draining")
    wait_until(lambda: _claims_nothing(), 30, "an idle worker")
    operations.set_desired_state("obedient", "run")
    wait_until(lambda: not Job.objects.pending().exists(), 30, "the waiting job")
    operations.set_desired_state("obedient", "stop")
    assert worker.wait() == 0
    assert Worker.objects.get().state == "stopped"


def _claims_nothing() -> bool:
    job = jobs.nothing.later()
    other = jobs.nothing.later()
    job.refresh_from_db()
    other.refresh_from_db()
    return job.status == other.status == Status.PENDING


def test_rows_tell_what_lives(worker_process: StartWorker) -> None:
    worker = worker_process("--name", "visible", "--processes", "2", HEARTBEAT=0.2)
    wait_until(lambda: WorkerProcess.objects.filter(memory__gt=0).count() == 2, 30, "two rows")
    pids = set(WorkerProcess.objects.values_list("pid", flat=True))
    assert pids == set(worker.children())
    assert jobs.leave.name in Worker.objects.get().job_names
    assert worker_process("--healthcheck", "--name", "visible").wait() == 0
    worker.kill()
    WorkerProcess.objects.update(last_heartbeat_at="2026-01-01T00:00:00Z")
    assert worker_process("--healthcheck", "--name", "visible").wait() == 1


def test_every_history_is_a_legal_path(worker_process: StartWorker, trace: str) -> None:
    jobs.retry_once.later()
    jobs.cancel_itself.later()
    jobs.leave.later(how="die")
    jobs.write_note.later_many([{"path": trace}] * 50)
    worker_process(BACKOFF_BASE=0.1)
    wait_until(lambda: not Job.objects.live().exists(), 60, "everything to end")
    for job in Job.objects.all():
        steps = list(job.transitions.order_by("id").values_list("from_status", "to_status"))
        assert steps[0][0] == ""
        assert all(left[1] == right[0] for left, right in pairwise(steps))
        assert steps[-1][1] == job.status
    assert JobTransition.objects.filter(to_status=Status.COMPLETED).count() == 51
