"""A worker that starts while its database is away, or takes no writes."""

from __future__ import annotations

import signal

import pytest

from django_jobs.states import Status
from tests.harness.outages import only_postgres, read_only, says
from tests.harness.relay import Relay
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status


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
