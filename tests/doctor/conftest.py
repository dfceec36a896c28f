"""The doctor's findings by the name of their row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from django_jobs.doctor import Finding, examine
from tests.factories import WorkerFactory, WorkerProcessFactory

Diagnose = Callable[[str], Finding]


@pytest.fixture
def diagnose() -> Diagnose:
    """Examine everything; return the row of this name."""

    def find(check: str) -> Finding:
        return {finding.check: finding for finding in examine()}[check]

    return find


@pytest.fixture
def other_session(transactional_db: None) -> Iterator[Any]:
    """Another connection to the same PostgreSQL, with a name."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SET application_name = 'a forgotten shell'")
    yield other
    other.close()


def live_worker(name: str = "works", queues: Any = None, **columns: Any) -> Any:
    """A worker with a process that showed a heartbeat just now."""
    worker = WorkerFactory(
        name=name,
        queues={"default": 10} if queues is None else queues,
        **{"state": "running", **columns},
    )
    return WorkerProcessFactory(worker=worker)
