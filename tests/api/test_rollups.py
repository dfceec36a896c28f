"""Sums by minute: what ended is counted once, whoever ended it, and stays so when it is merged."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from django_jobs import rollups, stats
from django_jobs.models import Job, JobRollup, Period, QueueSample
from django_jobs.services.cleanup import clean_up
from django_jobs.services.rescue import rescue_lost
from django_jobs.services.rollup import merge_rollups
from django_jobs.services.sample import sample_queues
from django_jobs.states import Status
from tests import jobs
from tests.factories import JobFactory, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_unwritten")]


def rollup(start: datetime, count: int = 1, **columns: Any) -> JobRollup:
    values: dict[str, Any] = {
        "job_name": "tests.add",
        "queue": "default",
        "outcome": Status.COMPLETED,
        "run_total": 2.0 * count,
        "run_histogram": {"22": count},
        "wait_histogram": {"0": count},
    }
    return JobRollup.objects.create(start=start, count=count, **{**values, **columns})


def minute(**back: float) -> datetime:
    return ago(**back).astimezone(UTC).replace(second=0, microsecond=0)


@pytest.mark.django_db(transaction=True)
def test_a_job_run_in_place_is_counted_at_once() -> None:
    jobs.add.now(a=1, b=2)
    (row,) = JobRollup.objects.all()
    assert (row.job_name, row.outcome, row.count) == ("tests.add", Status.COMPLETED, 1)
    assert sum(row.run_histogram.values()) == sum(row.wait_histogram.values()) == 1
    assert row.start.second == 0
    assert abs(timezone.now() - row.start) < timedelta(minutes=2)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_counted_where_it_is_switched_off(settings: Any) -> None:
    settings.DJANGO_JOBS = {"ROLLUPS": False}
    jobs.add.now(a=1, b=2)
    assert not JobRollup.objects.exists()


@pytest.mark.usefixtures("any_status")
def test_a_job_that_lost_its_last_worker_is_counted_as_failed() -> None:
    JobFactory(status=Status.RUNNING, crash_count=2, worker_expires_at=ago(minutes=1))
    rescue_lost()
    row = JobRollup.objects.get()
    assert (row.outcome, row.count, row.run_histogram) == (Status.FAILED, 1, {})


@pytest.mark.django_db(transaction=True)
def test_what_can_not_be_written_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    job: Any = SimpleNamespace(job_name="tests.add", queue="default", waited=0.5)
    rollups.count(job, Status.FAILED, 1.0)
    with monkeypatch.context() as patch:

        def refuse(*_: Any, **__: Any) -> None:
            raise OperationalError("away")

        patch.setattr(QuerySet, "bulk_create", refuse)
        rollups.write()
    assert rollups.are_unwritten()
    rollups.count(job, Status.FAILED, None)
    rollups.write()
    row = JobRollup.objects.get()
    assert (row.count, row.run_total, row.wait_total) == (2, 1.0, 1.0)
    assert not rollups.are_unwritten()


def test_rows_of_a_minute_become_one() -> None:
    start = minute(minutes=10)
    for count in (1, 2, 3):
        rollup(start, count)
    rollup(start, outcome=Status.FAILED)
    rollup(start, queue="other")
    fresh = minute()
    rollup(fresh)
    rollup(fresh)
    merge_rollups()
    merge_rollups()
    counts = Counter(
        (row.start == fresh, row.queue, row.outcome, row.count) for row in JobRollup.objects.all()
    )
    assert counts == {
        (False, "default", "completed", 6): 1,
        (False, "default", "failed", 1): 1,
        (False, "other", "completed", 1): 1,
        (True, "default", "completed", 1): 2,  # its finishers may still add to it
    }
    assert JobRollup.objects.get(start=start, queue="default", outcome="completed").run_total == 12


def test_old_minutes_become_hours() -> None:
    hour = minute(hours=6).replace(minute=0)
    for minutes in (0, 1, 59):
        rollup(hour + timedelta(minutes=minutes), 5)
    rollup(hour + timedelta(minutes=60), 1)
    merge_rollups()
    rows = JobRollup.objects.order_by("start").values_list("period", "start", "count")
    assert list(rows) == [
        (Period.HOUR, hour, 15),
        (Period.HOUR, hour + timedelta(hours=1), 1),
    ]
    assert JobRollup.objects.order_by("start")[0].run_histogram == {"22": 15}


def test_what_ended_by_time_and_outcome() -> None:
    hour = minute(hours=2).replace(minute=0)
    rollup(hour, 3)
    rollup(hour + timedelta(minutes=59), 4)
    rollup(hour + timedelta(minutes=59), outcome=Status.FAILED, queue="other")
    since = hour - timedelta(hours=1)
    assert stats.ended_totals(since) == {"completed": 7, "failed": 1}
    assert stats.ended_totals(since, queue="default") == {"completed": 7}
    assert stats.ended_totals(since, job_name="nobody's") == {}
    assert stats.ended_over_time(since, timedelta(hours=1)) == {hour: {"completed": 7, "failed": 1}}
    assert stats.ended_over_time(since, timedelta(minutes=10)) == {
        hour: {"completed": 3},
        hour + timedelta(minutes=50): {"completed": 4, "failed": 1},
    }


def test_how_long_jobs_took() -> None:
    rollup(minute(), 9)
    rollup(minute(), 1, outcome=Status.RETRYING, run_histogram={"30": 1}, run_total=40.0)
    rollup(minute(), 1, job_name="tests.other", outcome=Status.FAILED, run_histogram={})
    known, other = stats.job_times(ago(hours=1))
    assert (known.job_name, known.ended, known.failed) == ("tests.add", 10, 1)
    assert known.mean_run == pytest.approx((18 + 40) / 10)
    assert known.run_p50 == pytest.approx(2, rel=0.2)
    assert known.run_p95 == pytest.approx(33, rel=0.2)
    assert (other.ended, other.failed, other.mean_run, other.run_p50) == (1, 1, None, None)
    assert stats.job_times(ago(hours=1), job_names=["tests.other"]) == [other]


@pytest.mark.usefixtures("any_status")
def test_queues_are_sampled_once_a_minute() -> None:
    JobFactory(scheduled_for=ago(minutes=5))
    JobFactory(status=Status.RUNNING, queue="other")
    sample_queues()
    samples = {one.queue: one for one in QueueSample.objects.all()}
    JobFactory()
    sample_queues()
    for sample in samples.values():
        sample.refresh_from_db()
    assert (samples["default"].pending, samples["other"].running) == (1, 1)
    assert samples["default"].oldest_wait == pytest.approx(300, abs=30)
    assert samples["other"].oldest_wait is None


def test_the_depth_over_time_and_the_rates() -> None:
    now = minute()
    for minutes, pending in ((3, 10), (2, 20), (1, 40)):
        start = now - timedelta(minutes=minutes)
        QueueSample.objects.create(
            start=start, queue="default", pending=pending, oldest_wait=pending
        )
        QueueSample.objects.create(start=start, queue="other", running=1)
    rollup(now - timedelta(minutes=1), 50)
    rollup(now - timedelta(minutes=1), 7, outcome=Status.RETRYING)
    points = stats.depth_history(ago(hours=1), timedelta(minutes=1))
    assert [(one.pending, one.running, one.oldest_wait) for one in points] == [
        (10, 1, 10),
        (20, 1, 20),
        (40, 1, 40),
    ]
    (mean,) = {one.pending for one in stats.depth_history(ago(hours=1), timedelta(days=1))} or {0}
    assert mean == pytest.approx(70 / 3)
    rates = stats.queue_rates()
    assert rates["default"].outgoing == 10
    assert rates["default"].incoming == 25
    assert (rates["other"].incoming, rates["other"].outgoing) == (0, 0)


def test_old_sums_go_with_the_cleanup() -> None:
    rollup(ago(days=31))
    kept = rollup(ago(days=29))
    QueueSample.objects.create(start=ago(days=31), queue="default")
    clean_up()
    assert list(JobRollup.objects.all()) == [kept]
    assert not QueueSample.objects.exists()


def test_no_job_is_read_for_statistics(django_assert_max_num_queries: Any) -> None:
    JobFactory()
    rollup(minute())
    since = ago(hours=1)
    with django_assert_max_num_queries(6) as queries:
        stats.ended_totals(since)
        stats.ended_over_time(since, timedelta(minutes=1))
        stats.job_times(since)
        stats.depth_history(since, timedelta(minutes=1))
        stats.queue_rates()
    table = connection.ops.quote_name(Job._meta.db_table)
    assert not any(table in query["sql"] for query in queries.captured_queries)
