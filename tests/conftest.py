"""The suite runs on every database; see ``tests/harness``."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from tests.harness import databases, flushing, guard
from tests.harness.at_once import AtOnce
from tests.harness.workers import StartWorker, starting_workers

if TYPE_CHECKING:
    from tests.scenes import Configure


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=databases.CHOICES,
        help="run on one database only (default: DATABASE_URL, or one run on each)",
    )
    faults = parser.getgroup("faults", "tests/faults")
    faults.addoption("--soak", action="store_true", help="the long random test, too")
    faults.addoption("--minutes", type=float, default=20.0, help="how long it takes")
    faults.addoption(
        "--seed", type=int, default=random.randrange(2**32), help="what chance begins with"
    )


def pytest_report_header(config: pytest.Config) -> str:
    return f"chance: --seed {config.option.seed}"


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    names = databases.supervised_databases(config)
    return databases.run_on(names, config) if names else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    databases.deselect_what_was_tried(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    databases.report_counts(terminalreporter.stats)


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """That of a request stays active after it; the next test would be told things in it."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database, with triggers that refuse illegal moves."""
    flushing.install()
    with django_db_blocker.unblock():
        guard.install()
        guard.install(connections["buffer"])


@pytest.fixture
def configure(settings: Any) -> Configure:
    """Change keys of DJANGO_JOBS for the rest of the test."""

    def change(**keys: Any) -> None:
        settings.DJANGO_JOBS = {**getattr(settings, "DJANGO_JOBS", {}), **keys}

    return change


@pytest.fixture
def worker_process(transactional_db: None) -> Iterator[StartWorker]:
    """Start real workers: ``worker_process("--queues", "default:2", LEASE=2)``.

    Whatever happens, they and their children are dead after the test.
    """
    with starting_workers() as start:
        yield start


@pytest.fixture
def any_status(db: None) -> Iterator[None]:
    """Let the test write any status: its rows set a scene, they do not show a way."""
    with guard.guard_paused():
        yield


@pytest.fixture
def at_once(transactional_db: None, request: pytest.FixtureRequest) -> AtOnce:
    """The order in which the threads start is the same in every run of a test."""
    return AtOnce(sum(map(ord, request.node.name)))
