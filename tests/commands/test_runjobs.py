"""``runjobs`` before it works: options, configuration, health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.commands.conftest import Manage
from tests.factories import WorkerFactory, WorkerProcessFactory

# From Django 6.1 on, its own checks ask the database before a command begins.
pytestmark = pytest.mark.django_db


# --show-config


def shown(text: str) -> dict[str, str]:
    """The lines by the name of their setting."""
    return {line.split()[0]: line for line in text.splitlines()}


def test_every_value_has_its_source(
    manage: Manage, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DJANGO_JOBS = {"LEASE": 42, "CONCURRENCY": 3}
    monkeypatch.setenv("DJANGO_JOBS_GRACE", "7.5")
    monkeypatch.setenv("JOB_TRACKING_CLEANUP_RETENTION_DAYS", "9")

    outcome = manage("runjobs", "--show-config", "--concurrency", "4", "--queues", "mails,bulk:2")

    lines = shown(outcome.out)
    assert outcome.code == 0
    assert "42.0" in lines["LEASE"]
    assert "settings.DJANGO_JOBS['LEASE']" in lines["LEASE"]
    assert "7.5" in lines["GRACE"]
    assert "environment DJANGO_JOBS_GRACE" in lines["GRACE"]
    assert "environment JOB_TRACKING_CLEANUP_RETENTION_DAYS" in lines["CLEANUP_RETENTION_DAYS"]
    assert "command line" in lines["CONCURRENCY"]
    assert "{'mails': 4, 'bulk': 2}" in lines["QUEUES"]
    assert "default" in lines["SWEEP_INTERVAL"]


def test_a_long_value_widens_no_other_line(manage: Manage) -> None:
    lines = shown(manage("runjobs", "--show-config").out)

    assert len(lines["SENSITIVE_KEYS"]) > 300
    assert all(len(line) < 220 for name, line in lines.items() if name != "SENSITIVE_KEYS")


def test_a_bad_option_shows_no_configuration(manage: Manage) -> None:
    outcome = manage("runjobs", "--show-config", "--queues", "a b")

    assert (outcome.code, outcome.out) == (2, "")


# --healthcheck


def test_without_a_worker_nothing_is_healthy(manage: Manage) -> None:
    outcome = manage("runjobs", "--healthcheck", "--name", "nobody")

    assert outcome.code == 1
    assert "No process of the worker 'nobody' shows a recent heartbeat." in outcome.err


@pytest.mark.parametrize(("age", "code"), [(5, 0), (50, 0), (70, 1), (3600, 1)])
def test_a_heartbeat_within_one_lease_is_health(manage: Manage, age: int, code: int) -> None:
    WorkerProcessFactory(
        worker=WorkerFactory(name="some-worker"),
        last_heartbeat_at=timezone.now() - timedelta(seconds=age),
    )

    assert manage("runjobs", "--healthcheck", "--name", "some-worker").code == code
