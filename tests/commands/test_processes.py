"""Commands as real processes: exit codes and pipes as a shell sees them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from django_jobs.models import Job, WorkerProcess
from django_jobs.states import Status
from tests import jobs
from tests.factories import JobFactory
from tests.harness.environment import ROOT, subprocess_environment
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker

pytestmark = pytest.mark.processes


def manage(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command that does not come as far as the database of the tests."""
    return subprocess.run(
        [sys.executable, "manage.py", *command.split()],
        cwd=ROOT,
        env=subprocess_environment() | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("runjobs --concurrency 0", "argument --concurrency"),
        ("runjobs --name a/b", "--name: worker"),
        ("jobs_retry 1 2 x", "argument ID"),
        ("jobs_enqueue tests.ad", "Did you mean 'tests.add'?"),
    ],
)
def test_bad_input_is_exit_code_2(command: str, complaint: str) -> None:
    done = manage(command)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_d108_once_on_an_empty_queue_is_a_success(worker_process: StartWorker) -> None:
    process = worker_process("--once", "--name", "once")

    assert process.wait() == 0, process.output
    assert not WorkerProcess.objects.exists()


def test_a_slip_in_a_queue_name_is_told(worker_process: StartWorker) -> None:
    process = worker_process("--once", "--queues", "defualt")

    assert process.wait() == 0
    assert "No registered job goes to defualt by itself; known queues: " in process.output


def test_an_enqueued_job_runs(worker_process: StartWorker) -> None:
    assert worker_process("tests.add", "--params", '{"a": 2}', command="jobs_enqueue").wait() == 0
    assert worker_process("--once").wait() == 0

    job = Job.objects.get(job_name=jobs.add.name)
    assert (job.status, job.result) == (Status.COMPLETED, 2)


def test_a_live_worker_is_healthy(worker_process: StartWorker) -> None:
    worker = worker_process("--name", "alive")
    wait_until(WorkerProcess.objects.filter(worker_id="alive").exists)

    check = worker_process("--healthcheck", "--name", "alive")

    assert check.wait() == 0, check.output
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("runjobs --once", "run “manage.py migrate” first"),
        ("jobs_list", "is it migrated?"),
        ('jobs_enqueue tests.add --params {"a":1}', "migrated"),
        ("jobs_pause mails", "is it migrated?"),
    ],
)
def test_d106_a_database_without_tables_is_exit_code_3(
    tmp_path: Path, command: str, complaint: str
) -> None:
    done = manage(command, DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")

    assert done.returncode == 3, done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["jobs_list --limit 1000 --json", "runjobs --show-config"])
def test_a_reader_may_leave_early(transactional_db: None, command: str) -> None:
    JobFactory.create_batch(200)
    process = subprocess.Popen(
        [sys.executable, "manage.py", *command.split()],
        cwd=ROOT,
        env=subprocess_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None

    process.stdout.close()
    _, complaint = process.communicate()

    assert (process.returncode, complaint) == (0, b"")
