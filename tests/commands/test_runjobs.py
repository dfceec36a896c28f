"""``runjobs`` before it works: options, configuration, health."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_jobs.conf import config
from tests.commands.conftest import Manage
from tests.factories import WorkerFactory, WorkerProcessFactory

# From Django 6.1 on, its own checks ask the database before a command begins.
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--queues", ""], "argument --queues: queues: none is named"),
        (["--queues", "aaa,,bbb"], "argument --queues: queues: an entry is empty"),
        (["--queues", "aaa,"], "argument --queues: queues: an entry is empty"),
        (["--queues", "a b"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "../x"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "*"], "argument --queues: queue: 3 to 50 letters"),
        (["--queues", "aaa:0"], "from 1 to 1000"),
        (["--queues", "aaa:x"], "from 1 to 1000"),
        (["--queues", "aaa:2,aaa:3"], "named twice"),
        (["--concurrency", "0"], "argument --concurrency: 0 is not allowed"),
        (["--concurrency", "-1"], "argument --concurrency"),
        (["--concurrency", "10000"], "an integer from 1 to 1000"),
        (["--concurrency", "1.5"], "argument --concurrency: '1.5' is not allowed"),
        (["--concurrency", "many"], "argument --concurrency"),
        (["--processes", "0"], "argument --processes: 0 is not allowed"),
        (["--processes", "1000"], "an integer from 1 to 256"),
        (["--poll-interval", "nan"], "argument --poll-interval: nan is not allowed"),
        (["--poll-interval", "inf"], "a number of seconds from 0.01 to 3600"),
        (["--poll-interval", "0"], "argument --poll-interval"),
        (["--poll-interval", "5m"], "argument --poll-interval"),
        (["--grace", "-1"], "argument --grace"),
        (["--name", "x y"], "--name: worker: 3 to 50 letters"),
        (["--name", ""], "--name: worker: 3 to 50 letters"),
        (["--name", "x" * 51], "--name: worker: 3 to 50 letters"),
        (["--once", "--drain"], "--once, --drain: give one of them"),
        (["--colour"], "--colour"),
    ],
)
def test_bad_options_are_named_with_what_is_allowed(
    manage: Manage, arguments: list[str], complaint: str
) -> None:
    outcome = manage("runjobs", *arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert complaint in outcome.err


def test_a_strict_configuration_names_the_queues(manage: Manage, settings: Any) -> None:
    settings.DJANGO_JOBS = {"STRICT_QUEUES": True, "QUEUES": {"default": 2, "mails": 1}}

    outcome = manage("runjobs", "--queues", "mails,bulk")

    assert outcome.code == 2
    assert "--queues: bulk: not among the configured queues: default, mails." in outcome.err


def test_what_a_worker_serves_is_not_what_its_jobs_may_enqueue_to(
    manage: Manage, settings: Any
) -> None:
    settings.DJANGO_JOBS = {"STRICT_QUEUES": True, "QUEUES": {"default": 2, "mails": 1}}

    manage("runjobs", "--queues", "mails", "--healthcheck")

    assert dict(config.QUEUES) == {"default": 2, "mails": 1}


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
