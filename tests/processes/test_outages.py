"""The database hangs, dies, refuses: a worker waits and goes on, and no result is lost."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connection

from django_jobs.models import Job, WorkerProcess
from django_jobs.states import Status
from tests.harness.relay import Relay, relay
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.harness.workers import WorkerProcess as Worker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]

only_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="a file has no server that could do so"
)

#: Sessions of others on the test database.
OTHERS = (
    "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)

LOCK = {
    "postgresql": "BEGIN; LOCK TABLE django_jobs_job",
    "sqlite": "BEGIN IMMEDIATE",
    "mysql": "LOCK TABLES django_jobs_job WRITE",
}
#: What each says to those who wait too long for that.
REFUSAL = {
    "postgresql": "statement timeout",
    "sqlite": "database is locked",
    "mysql": "max_statement_time exceeded",
}


def run(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def terminate_others() -> None:
    run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OTHERS}")


@contextmanager
def read_only() -> Iterator[None]:
    """New sessions can't write, and there are no old ones."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        terminate_others()
        yield
    finally:
        run(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@contextmanager
def table_locked() -> Iterator[None]:
    """Another session holds the table of jobs; on SQLite the whole database."""
    with closing(connection.copy("locker")) as other, other.cursor() as cursor:
        cursor.execute(LOCK[other.vendor])
        try:
            yield
        finally:
            cursor.execute("UNLOCK TABLES" if other.vendor == "mysql" else "ROLLBACK")


@pytest.fixture
def line() -> Iterator[Relay]:
    """The line between the worker and the database."""
    with relay() as one:
        yield one


@contextmanager
def disk_full() -> Iterator[None]:
    """No job can complete, although claims go on."""
    run(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE UPDATE ON django_jobs_job FOR EACH ROW
        WHEN (NEW.status = 'completed') EXECUTE FUNCTION refuse()"""
    )
    try:
        yield
    finally:
        run("DROP TRIGGER full_disk ON django_jobs_job; DROP FUNCTION refuse()")


def says(worker: Worker, text: str, times: int = 1) -> None:
    wait_until(lambda: worker.output.count(text) >= times, 40, f"{text!r} in {worker.output}")


def one_attempt(job: Job) -> bool:
    job.refresh_from_db()
    return (job.attempt_count, job.failure_count, job.crash_count) == (1, 0, 0)


@only_postgres
def test_sessions_that_are_ended_again_and_again_end_no_process(
    worker_process: StartWorker,
) -> None:
    worker = worker_process("--queues", "default:2,single:1", "--processes", "2")
    wait_until(lambda: WorkerProcess.objects.count() == 2, 30, "the worker")
    pids = set(worker.children())
    waiting: list[Job] = []
    for _ in range(8):
        waiting += [jobs.nothing.later() for _ in range(20)]
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
        "--queues", "slow:2", database_url=line.database_url, LEASE=6, SWEEP_INTERVAL=1
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
    says(worker, "Claiming failed", 6)
    seconds = time.monotonic() - began
    assert processor_time(worker) - before < 0.05 * seconds
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
def test_a_worker_may_start_before_its_database(worker_process: StartWorker) -> None:
    line = Relay()
    job = jobs.nothing.later()
    worker = worker_process("--queues", "default:2", database_url=line.database_url)
    says(worker, "The start failed, next try in", 2)
    assert "Traceback" not in worker.output
    line.open()
    try:
        wait_for_status(job, Status.COMPLETED)
        says(worker, "The start works again")
    finally:
        line.close()


@only_postgres
def test_a_worker_does_not_start_on_a_server_that_takes_no_writes(
    worker_process: StartWorker,
) -> None:
    job = jobs.nothing.later()
    with read_only():
        worker = worker_process("--queues", "default:2")
        says(worker, "The start failed, next try in", 2)
        assert "read-only" in worker.output
    wait_for_status(job, Status.COMPLETED)


@only_postgres
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--fail-fast"], 3, "The database does not answer"),
        (["--healthcheck"], 1, "The database does not answer"),
    ],
)
def test_d105_who_does_not_want_to_wait_hears_at_once(
    worker_process: StartWorker, arguments: list[str], code: int, text: str
) -> None:
    worker = worker_process(*arguments, database_url=Relay().database_url)
    assert worker.wait() == code
    assert text in worker.output
    assert "Traceback" not in worker.output


@only_postgres
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_waiting_can_be_ended(worker_process: StartWorker, number: signal.Signals) -> None:
    worker = worker_process(database_url=Relay().database_url)
    says(worker, "The start failed, next try in", 2)
    worker.send(number)
    assert worker.wait(10) == 0
    assert "Traceback" not in worker.output


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
