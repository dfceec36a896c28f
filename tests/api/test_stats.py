"""Statistics: counts, depths, durations, the share of failures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_jobs import stats
from django_jobs.models import Job
from django_jobs.states import Status
from tests.factories import JobFactory, ago, ahead

pytestmark = pytest.mark.usefixtures("any_status")


def ended(status: Status, *, seconds: float | None = None, **columns: object) -> Job:
    """A job that ended an instant ago and ran for ``seconds``."""
    end = columns.pop("completed_at", None) or ago(seconds=1)
    started = None if seconds is None else end - timedelta(seconds=seconds)  # type: ignore[operator]
    return JobFactory(status=status, completed_at=end, worker_started_at=started, **columns)


def test_counts_name_every_status() -> None:
    assert stats.job_counts() == dict.fromkeys(Status.values, 0)
    JobFactory.create_batch(2)
    JobFactory(queue="reports", status=Status.FAILED)
    assert stats.job_counts() == {**dict.fromkeys(Status.values, 0), "pending": 2, "failed": 1}
    assert stats.job_counts("reports")["failed"] == 1
    assert stats.job_counts("reports")["pending"] == 0


def test_the_depth_of_queues() -> None:
    from django_jobs import operations

    oldest = ago(hours=2)
    JobFactory(scheduled_for=oldest)
    JobFactory(scheduled_for=ago(hours=1))
    JobFactory(status=Status.RUNNING, scheduled_for=ago(hours=9))
    JobFactory(status=Status.SCHEDULED, scheduled_for=ahead(hours=1))
    JobFactory(queue="reports", status=Status.RETRYING)
    JobFactory(queue="finished", status=Status.COMPLETED)
    operations.pause_queue("idle-queue")
    default, idle, reports = stats.queue_depths()
    assert (default.name, idle.name, reports.name) == ("default", "idle-queue", "reports")
    assert (default.pending, default.running, default.scheduled, default.retrying) == (2, 1, 1, 0)
    assert (default.oldest_pending, default.paused) == (oldest, False)
    assert (idle.paused, idle.pending, idle.oldest_pending) == (True, 0, None)
    assert (reports.retrying, reports.oldest_pending) == (1, None)


def test_statistics_by_job_and_status() -> None:
    ended(Status.COMPLETED, seconds=2)
    ended(Status.COMPLETED, seconds=4)
    ended(Status.FAILED, seconds=1, job_name="tests.echo", queue="reports")
    JobFactory(job_name="tests.echo")
    found = {(one.job_name, one.status): one for one in stats.job_statistics()}
    assert found.keys() == {
        ("tests.add", "completed"),
        ("tests.echo", "failed"),
        ("tests.echo", "pending"),
    }
    assert found["tests.add", "completed"].count == 2
    assert found["tests.add", "completed"].mean_duration == pytest.approx(3, abs=0.01)
    assert found["tests.echo", "pending"].mean_duration is None
    assert [one.job_name for one in stats.job_statistics("reports")] == ["tests.echo"]


def test_the_share_of_failures() -> None:
    assert stats.failure_rate() is None
    for _ in range(3):
        ended(Status.COMPLETED)
    ended(Status.FAILED, queue="reports")
    ended(Status.CANCELLED)
    ended(Status.FAILED, completed_at=ago(hours=3))
    assert stats.failure_rate() == 0.25
    assert stats.failure_rate(hours=24) == 0.4
    assert stats.failure_rate(queue="reports") == 1.0
    assert stats.failure_rate(queue="never-seen") is None
