"""Tests in this folder start real workers, so they need a database that other processes see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from django_jobs.models import Job
from tests.harness.waiting import wait_until
from tests.harness.workers import WorkerProcess, starting_workers

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them: a ``pytestmark`` of this file would be about no test."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("processes")


@pytest.fixture(autouse=True)
def _shared_database(transactional_db: None) -> None:
    """Committed rows; emptied after each test."""


@pytest.fixture(scope="module")
def shared_worker(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[WorkerProcess]:
    """One worker for all tests of a module: to start one takes longer than most of them."""
    with django_db_blocker.unblock(), starting_workers() as start:
        worker = start("--name", "shared", "--queues", "default:10,reports:2,slow:4,single:1")
        wait_until(lambda: "Ctrl-C" in worker.output, 30, "the worker")
        yield worker
        assert worker.exit_code is None, worker.output


@pytest.fixture
def trace(tmp_path: Path) -> str:
    """The path of a file in which jobs leave lines."""
    return str(tmp_path / "trace")


@pytest.fixture
def lines(trace: str) -> Callable[[], list[str]]:
    """Read the lines that jobs have left."""

    def read() -> list[str]:
        path = Path(trace)
        return path.read_text().splitlines() if path.exists() else []

    return read


@pytest.fixture
def gate_file(tmp_path: Path) -> Path:
    """Jobs wait until a test touches this."""
    return tmp_path / "open"


def has_status(job: Job, *statuses: str) -> Callable[[], bool]:
    """A predicate for ``wait_until``."""

    def look() -> bool:
        job.refresh_from_db()
        return job.status in statuses

    return look


def wait_for_status(job: Job, *statuses: str, timeout: float = 30.0) -> Job:
    """Wait until a job has one of the statuses; return it refreshed."""
    wait_until(has_status(job, *statuses), timeout, f"{job.job_name} to be {statuses}")
    return job
