"""The database hangs, dies, refuses: a worker waits and goes on, and no result is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from django_jobs.models import Job, WorkerProcess
from django_jobs.states import Status
from tests.harness.outages import (
    OTHERS,
    REFUSAL,
    disk_full,
    one_attempt,
    only_postgres,
    read_only,
    run,
    says,
    table_locked,
    terminate_others,
)
from tests.harness.relay import Relay, relay
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.harness.workers import WorkerProcess as Worker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]


@pytest.fixture
def line() -> Iterator[Relay]:
    """The line between the worker and the database."""
    with relay() as one:
        yield one


@only_postgres
def test_sessions_that_are_ended_again_and_again_end_no_process(
    worker_process: StartWorker,
) -> None:
    worker = worker_process("--queues", "default:2,single:1", "--processes", "2")
    wait_until(lambda: WorkerProcess.objects.count() == 2, 30, "the worker")
    pids = set(worker.children())
    for _ in range(8):
        jobs.nothing.later_many([{}] * 20)
        wait_until(lambda: len(run(f"SELECT 1 FROM pg_stat_activity WHERE {OTHERS}")) > 2)
        terminate_others()
    wait_until(lambda: not Job.objects.live().exists(), 60, "all jobs to end")
    assert all(job.status == Status.COMPLETED for job in Job.objects.all())
    # The thread of this one had a connection that was ended: nobody told it so before.
    for _ in range(2):
        job = wait_for_status(jobs.use_database.later(), Status.COMPLETED)
        assert one_attempt(job)
        terminate_others()
        says(worker, "works again")
    assert set(worker.children()) == pids
    assert "Traceback" not in worker.output


@only_postgres
def test_coroutines_get_a_new_connection_as_well(worker_process: StartWorker) -> None:
    worker_process("--queues", "default:2")
    wait_for_status(jobs.connection_of_coroutines.later(), Status.COMPLETED)
    terminate_others()
    # The first one may be who finds out.
    wait_for_status(jobs.connection_of_coroutines.later(), Status.COMPLETED, Status.RETRYING)
    for _ in range(2):
        wait_for_status(jobs.connection_of_coroutines.later(), Status.COMPLETED)


@only_postgres
def test_results_wait_while_the_server_is_read_only(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process("--queues", "slow:2,default:2")
    wait_until(lines, 30, "the job to start")
    with read_only():
        gate_file.touch()
        says(worker, "Writing outcomes failed", 3)
        assert "read-only transaction" in worker.output
        job.refresh_from_db()
        assert job.status == Status.RUNNING
    wait_for_status(job, Status.COMPLETED)
    assert (one_attempt(job), job.result) == (True, 1)
    assert len(lines()) == 1
    says(worker, "Writing outcomes works again")
    assert "Traceback" not in worker.output


def test_a_lock_on_everything_delays_and_breaks_nothing(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    running = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process("--queues", "slow:2,default:2", CONTROL_TIMEOUT=0.5)
    wait_until(lines, 30, "the job to start")
    pids = set(worker.children())
    waiting = jobs.nothing.later()
    with table_locked():
        gate_file.touch()
        says(worker, "Writing outcomes failed", 2)
        assert REFUSAL[connection.vendor] in worker.output
    for job in (running, waiting):
        wait_for_status(job, Status.COMPLETED)
        assert one_attempt(job)
    assert set(worker.children()) == pids
    assert "Traceback" not in worker.output


@only_postgres
def test_nothing_is_claimed_while_outcomes_can_not_be_written(worker_process: StartWorker) -> None:
    with disk_full():
        done = jobs.nothing.later()
        worker = worker_process("--queues", "default:5", POLL_INTERVAL=0.1)
        says(worker, "Writing outcomes failed", 2)
        waiting = jobs.nothing.later()
        says(worker, "Writing outcomes failed", 5)
        waiting.refresh_from_db()
        assert waiting.status == Status.PENDING
    for job in (done, waiting):
        wait_for_status(job, Status.COMPLETED)
        assert one_attempt(job)


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="reading needs no lock there")
def test_a_claim_that_waits_for_a_lock_is_tried_again(worker_process: StartWorker) -> None:
    worker = worker_process("--queues", "default:2", CONTROL_TIMEOUT=0.5, POLL_INTERVAL=0.1)
    wait_until(WorkerProcess.objects.exists, 30, "the worker")
    job = jobs.nothing.later()
    wait_for_status(job, Status.COMPLETED)
    with table_locked():
        says(worker, "Claiming failed", 2)
    after = jobs.nothing.later()
    wait_for_status(after, Status.COMPLETED)
    assert one_attempt(after)
    says(worker, "Claiming works again")


@only_postgres
def test_a_connection_that_says_nothing_is_cut(
    worker_process: StartWorker, line: Relay, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process(
        "--queues", "slow:2", database_url=line.database_url, CONTROL_TIMEOUT=0.5
    )
    wait_until(lines, 30, "the job to start")
    line.fall_silent()
    gate_file.touch()
    says(worker, "the connection is cut")
    says(worker, "Writing outcomes failed")
    line.recover()
    wait_for_status(job, Status.COMPLETED)
    assert (one_attempt(job), job.result) == (True, 1)
    assert "Traceback" not in worker.output


@only_postgres
def test_a_worker_that_is_cut_off_ends_its_jobs_while_the_lease_is_its_own(
    worker_process: StartWorker, line: Relay, trace: str, lines: Lines, gate_file: Path
) -> None:
    job = jobs.gate.later(path=trace, opens=str(gate_file))
    worker = worker_process(
        "--queues", "slow:2", database_url=line.database_url, LEASE=12, SWEEP_INTERVAL=1
    )
    wait_until(lines, 30, "the job to start")
    pid = int(lines()[0].split()[1])
    line.fall_silent()
    wait_until(lambda: not psutil.pid_exists(pid), 30, "the end of the process")
    assert Job.objects.filter(id=job.id, worker_expires_at__gt=connection_time()).exists()
    assert worker.exit_code is None
    line.recover()
    wait_until(lambda: len(lines()) == 2, 30, "the second attempt")
    gate_file.touch()
    wait_for_status(job, Status.COMPLETED)
    assert (job.result, job.crash_count) == (2, 1)


def connection_time() -> Any:
    return run("SELECT statement_timestamp()")[0][0]


@only_postgres
def test_a_server_that_is_away_costs_patience_and_no_processor(
    worker_process: StartWorker, line: Relay
) -> None:
    worker = worker_process("--queues", "default:2", database_url=line.database_url)
    wait_until(WorkerProcess.objects.exists, 30, "the worker")
    job = wait_for_status(jobs.use_database.using(queue="default").later(), Status.COMPLETED)
    pids = set(worker.children())
    line.close()
    says(worker, "Claiming failed", 4)
    before, began = processor_time(worker), time.monotonic()
    said = worker.output.count("\n")
    wait_until(lambda: time.monotonic() - began > 4)
    assert processor_time(worker) - before < 0.05 * 4
    assert worker.output.count("\n") - said < 20
    line.open()
    job = wait_for_status(jobs.use_database.using(queue="default").later(), Status.COMPLETED)
    assert one_attempt(job)
    assert set(worker.children()) == pids
    assert "Traceback" not in worker.output


def processor_time(worker: Worker) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in worker.members()]
    return sum(one.user + one.system for one in times)


@only_postgres
def test_a_worker_can_be_stopped_while_its_database_is_away(
    worker_process: StartWorker, line: Relay
) -> None:
    worker = worker_process("--queues", "default:2", "--grace", "1", database_url=line.database_url)
    wait_until(WorkerProcess.objects.exists, 30, "the worker")
    line.close()
    says(worker, "Claiming failed", 2)
    worker.send(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert "Traceback" not in worker.output
