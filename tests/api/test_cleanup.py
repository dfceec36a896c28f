"""Cleaning up: by retention, in batches, one cleaner at a time."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_jobs.jobs import cleanup
from django_jobs.locks import cluster_lock
from django_jobs.models import CronSlot, Job, JobLog, JobTransition
from django_jobs.services.cleanup import LOCK, clean_up, preview
from django_jobs.states import TERMINAL, Status
from tests.factories import CronJobFactory, JobFactory, TransitionFactory, ago
from tests.scenes import Configure, fresh, last_transition, work

pytestmark = pytest.mark.usefixtures("any_status")
DAY = 86_400.0


def remaining() -> set[str]:
    return set(Job.objects.values_list("status", flat=True))


def one_of_each(**age: float) -> None:
    for status in TERMINAL:
        JobFactory(status=status, completed_at=ago(**age))


def test_the_default_retention() -> None:
    one_of_each(days=31)
    one_of_each(days=29)
    result = clean_up()
    assert result.total_jobs == len(TERMINAL)
    assert result.jobs == dict.fromkeys(map(str, TERMINAL), 1)
    assert (result.complete, result.skipped) == (True, False)
    assert Job.objects.count() == len(TERMINAL)
    assert clean_up().total_jobs == 0


def test_retention_by_status(configure: Configure) -> None:
    configure(CLEANUP_RETENTION_DAYS=10, CLEANUP_RETENTION={"failed": 90, "completed": 1})
    one_of_each(days=2)
    clean_up()
    assert remaining() == {*map(str, TERMINAL)} - {"completed"}
    Job.objects.all().delete()
    one_of_each(days=20)
    clean_up()
    assert remaining() == {"failed"}


def test_only_some_statuses_and_another_age() -> None:
    one_of_each(hours=2)
    result = clean_up(older_than=3600, statuses=[Status.CANCELLED, Status.EXPIRED])
    assert result.jobs == {"cancelled": 1, "expired": 1}
    assert remaining() == {*map(str, TERMINAL)} - {"cancelled", "expired"}


def test_live_jobs_are_never_touched() -> None:
    for status in set(Status) - TERMINAL:
        JobFactory(status=status, created_at=ago(days=900), scheduled_for=ago(days=900))
    assert clean_up(older_than=0).total_jobs == 0
    assert remaining() == {*map(str, set(Status) - TERMINAL)}


def test_batches_are_limited() -> None:
    for _ in range(5):
        JobFactory(status=Status.COMPLETED, completed_at=ago(days=40))
    first = clean_up(batch_size=2, max_batches=2)
    assert (first.total_jobs, first.complete) == (4, False)
    second = clean_up(batch_size=2, max_batches=2)
    assert (second.total_jobs, second.complete) == (1, True)


def test_without_a_limit_it_takes_as_many_batches_as_it_needs() -> None:
    for _ in range(5):
        JobFactory(status=Status.COMPLETED, completed_at=ago(days=40))
    assert clean_up(batch_size=2).total_jobs == 5


def test_the_history_of_kept_jobs() -> None:
    job = JobFactory()
    for age in (40, 20):
        TransitionFactory(job=job, at=ago(days=age))
        JobLog.objects.create(job=job, attempt=1, at=ago(days=age), level="info", message="x")
        CronSlot.objects.create(
            cron_job=CronJobFactory(), slot_at=timezone.now(), created_at=ago(days=age)
        )
    assert clean_up().transitions == 2
    assert JobTransition.objects.count() == JobLog.objects.count() == CronSlot.objects.count() == 1
    assert Job.objects.count() == 1


def test_the_history_stays_as_long_as_any_status(configure: Configure) -> None:
    configure(CLEANUP_RETENTION={"failed": 90})
    failed = JobFactory(status=Status.FAILED, completed_at=ago(days=60))
    TransitionFactory(job=failed, at=ago(days=60))
    clean_up()
    assert JobTransition.objects.count() == 1


def test_the_preview_counts_and_deletes_nothing() -> None:
    one_of_each(days=31)
    JobFactory(status=Status.FAILED, completed_at=ago(days=1))
    expected = preview()
    assert expected.total_jobs == len(TERMINAL)
    assert Job.objects.count() == len(TERMINAL) + 1
    assert clean_up().jobs == expected.jobs
    assert preview(older_than=60, statuses=[Status.FAILED]).jobs == {"failed": 1}


def test_two_cleaners_do_not_overlap() -> None:
    one_of_each(days=31)
    with cluster_lock(LOCK) as held:
        assert held
        result = clean_up()
    assert (result.skipped, result.complete, result.total_jobs) == (True, False, 0)
    assert Job.objects.count() == len(TERMINAL)
    assert clean_up().total_jobs == len(TERMINAL)


# The built-in job


def test_the_job_cleans_up_and_comes_back_until_it_is_done(configure: Configure) -> None:
    configure(CLEANUP_BATCH_SIZE=2, CLEANUP_MAX_BATCHES=1)
    for _ in range(3):
        JobFactory(status=Status.COMPLETED, completed_at=ago(days=40))
    job = cleanup.later()
    work()
    assert fresh(job).status == "scheduled"
    assert "more to come" in last_transition(job).reason
    Job.objects.filter(pk=job.pk).update(status="pending")
    work()
    assert (fresh(job).status, fresh(job).result["completed"]) == ("completed", 1)
    assert Job.objects.count() == 1


def test_the_job_leaves_the_field_to_another_one() -> None:
    with cluster_lock(LOCK):
        job = cleanup.later()
        work()
    assert fresh(job).status == "completed"
