"""The whole of ``manage.py demo``, in real processes."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_jobs.models import Job
from django_jobs.models import WorkerProcess as WorkerProcessRow
from testproject.quakes.models import Quake
from tests.harness.environment import subprocess_environment
from tests.harness.waiting import wait_until
from tests.harness.workers import WorkerProcess

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

StartDemo = Callable[..., WorkerProcess]


@pytest.fixture
def demo(demo_folder: Path) -> Iterator[StartDemo]:
    """Start ``manage.py demo``; nothing of it outlives the test."""
    started: list[WorkerProcess] = []

    def start(*arguments: str, **variables: str) -> WorkerProcess:
        environment = {**subprocess_environment(), **variables}
        arguments = ("demo", "--settings", "tests.demo.settings", *arguments)
        started.append(WorkerProcess(arguments, environment))
        return started[-1]

    yield start
    for process in started:
        process.close()


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def test_it_serves_until_interrupted_and_runs_again(
    demo: StartDemo, port: int, demo_folder: Path
) -> None:
    # SQLite: a file that does not exist yet, so that all migrations are part of it.
    fresh = {"DATABASE_URL": f"sqlite:///{demo_folder / 'fresh.sqlite3'}"}
    variables = fresh if connection.vendor == "sqlite" else {}

    first = demo("--port", str(port), **variables)
    wait_until(lambda: "Ctrl-C ends all" in first.output or first.exit_code is not None, 90)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/") as page:
        assert page.status == 200
    assert_all_went_well(first, demo_folder)
    first.send(signal.SIGINT)
    assert first.wait() == 0
    assert first.members() == []

    second = demo("--exit", **variables)
    assert second.wait(90) == 0, second.output
    assert second.members() == []
    assert_all_went_well(second, demo_folder)
    assert password(first) != password(second)


def assert_all_went_well(process: WorkerProcess, folder: Path) -> None:
    assert "✓ quakes in the database: 1707" in process.output
    assert "✓ alert mails in the outbox: 39" in process.output
    assert "✓ hopeless: how it ended, after how many retries: failed, 1" in process.output
    assert "✗" not in process.output
    assert "\x1b" not in process.output, "escape sequences are for terminals"
    assert (folder / "output" / "earthquakes.svg").exists()
    assert (folder / "output" / "reports" / "california.md").exists()


def password(process: WorkerProcess) -> str:
    return process.output.partition("password ")[2].split()[0]


@pytest.mark.parametrize(
    ("target", "moment"),
    [("parent", "Database:"), ("group", "the worker starts"), ("parent", "flaky 0/1")],
)
def test_an_interruption_leaves_no_process(
    demo: StartDemo, port: int, target: str, moment: str
) -> None:
    process = demo("--port", str(port))
    wait_until(lambda: moment in process.output or process.exit_code is not None)
    if target == "group":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send(signal.SIGINT)
    assert process.wait() == 130, process.output
    assert process.members() == []
    assert "Interrupted" in process.output
    assert "Traceback" not in process.output
    assert not Job.objects.running().exists()
    assert not WorkerProcessRow.objects.exists()


def test_progress_is_visible_while_jobs_run(demo: StartDemo) -> None:
    process = demo("--exit")
    halfway = Job.objects.running().filter(progress__range=(1, 99))
    wait_until(halfway.exists, 60, "a running job that is halfway")
    process.send(signal.SIGINT)
    assert process.wait() == 130


def test_a_port_in_use_is_told_before_any_work(demo: StartDemo) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        process = demo("--port", str(number))
        assert process.wait() == 2
    assert f"--port: 127.0.0.1:{number} can't be used" in process.output
    assert not Job.objects.exists()
    assert not Quake.objects.exists()


@pytest.mark.parametrize("number", ["0", "65536", "-1", "http", "1" * 5000])
def test_an_impossible_port_is_refused(number: str) -> None:
    with pytest.raises(CommandError, match="a number from 1 to 65535"):
        call_command("demo", f"--port={number}")


def test_a_database_that_does_not_answer(demo: StartDemo, demo_folder: Path) -> None:
    process = demo("--exit", DATABASE_URL=f"sqlite:///{demo_folder / 'no' / 'folder.sqlite3'}")
    assert process.wait() == 3
    assert "The database does not answer" in process.output
    assert "Traceback" not in process.output
