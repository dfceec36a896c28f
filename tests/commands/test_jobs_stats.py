"""``jobs_stats``: the numbers of the queues."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_jobs.models import Job
from django_jobs.states import Status
from tests.commands.conftest import Manage
from tests.factories import JobFactory, QueueFactory

pytestmark = pytest.mark.usefixtures("any_status")


def ended(status: Status, seconds: float, **fields: Any) -> Job:
    start = timezone.now() - timedelta(minutes=5)
    end = start + timedelta(seconds=seconds)
    return JobFactory(status=status, worker_started_at=start, completed_at=end, **fields)


@pytest.fixture
def scene(any_status: None) -> None:
    """Three queues; in ``mails`` one of two jobs failed, in ``default`` none of two."""
    JobFactory.create_batch(2)
    JobFactory(status=Status.RUNNING)
    JobFactory(status=Status.SCHEDULED, queue="mails")
    ended(Status.COMPLETED, 2)
    ended(Status.COMPLETED, 4)
    ended(Status.COMPLETED, 1, queue="mails", job_name="tests.mail")
    ended(Status.FAILED, 1, queue="mails", job_name="tests.mail")
    QueueFactory(name="resting", paused_at=timezone.now())


@pytest.mark.usefixtures("scene")
def test_all_queues(manage: Manage) -> None:
    document = manage("jobs_stats", "--json").document

    counts = document["jobs_by_status"]
    assert {status: count for status, count in counts.items() if count} == {
        "pending": 2,
        "running": 1,
        "scheduled": 1,
        "completed": 3,
        "failed": 1,
    }
    assert set(counts) == set(Status.values)
    depths = {queue["name"]: queue for queue in document["queues"]}
    assert (depths["default"]["pending"], depths["default"]["running"]) == (2, 1)
    assert (depths["mails"]["scheduled"], depths["mails"]["paused"]) == (1, False)
    assert depths["resting"]["paused"] is True
    means = {(one["job_name"], one["status"]): one["mean_duration"] for one in document["jobs"]}
    assert means["tests.add", "completed"] == pytest.approx(3)
    assert means["tests.add", "pending"] is None
    assert document["failure_rate_last_hour"] == pytest.approx(0.25)


@pytest.mark.usefixtures("scene")
def test_one_queue(manage: Manage) -> None:
    document = manage("jobs_stats", "--queue", "mails", "--json").document

    assert document["jobs_by_status"]["completed"] == 1
    assert [queue["name"] for queue in document["queues"]] == ["mails"]
    assert {one["job_name"] for one in document["jobs"]} == {"tests.add", "tests.mail"}
    assert [one["count"] for one in document["jobs"]] == [1, 1, 1]
    assert document["failure_rate_last_hour"] == pytest.approx(0.5)


@pytest.mark.usefixtures("scene")
def test_for_people(manage: Manage) -> None:
    text = manage("jobs_stats").out

    assert ["completed", "3"] in [line.split() for line in text.splitlines()]
    assert ["tests.add", "completed", "2", "3.000", "s"] in [
        line.split() for line in text.splitlines()
    ]
    assert text.endswith("Failure rate of the last hour: 25.0% of the jobs that ended.\n")


def test_nothing_is_there(manage: Manage) -> None:
    outcome = manage("jobs_stats")

    assert outcome.code == 0
    assert "Failure rate of the last hour: no job ended." in outcome.out


def test_a_bad_queue_is_refused(manage: Manage) -> None:
    outcome = manage("jobs_stats", "--queue", "a b")

    assert outcome.code == 2
    assert "argument --queue" in outcome.err
