"""Pruning: only what ended long enough ago, oldest first, with everything that belongs to it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from django_jobs.models import CronJob, Job, JobLog, JobTransition
from django_jobs.states import TERMINAL, Status
from django_jobs.stores.base import Store
from tests.factories import CronJobFactory, JobFactory, TransitionFactory, ago

HOUR = 3600.0
pytestmark = pytest.mark.usefixtures("any_status")


def remaining() -> set[object]:
    return set(Job.objects.values_list("id", flat=True))


@pytest.mark.parametrize("ended", sorted(TERMINAL))
def test_old_jobs_of_a_status_go(store: Store, ended: Status) -> None:
    JobFactory(status=ended, completed_at=ago(hours=2))
    young = JobFactory(status=ended, completed_at=ago(minutes=30))
    other = JobFactory(
        status=Status.FAILED if ended != Status.FAILED else Status.COMPLETED,
        completed_at=ago(hours=2),
    )
    assert store.delete_finished(ended, HOUR, 10) == 1
    assert remaining() == {young.id, other.id}


@pytest.mark.parametrize("unended", sorted(set(Status) - TERMINAL))
def test_unended_jobs_stay(store: Store, unended: Status) -> None:
    JobFactory(status=unended, created_at=ago(days=900))
    for ended in Status:
        store.delete_finished(ended, 0, 10)
    assert Job.objects.count() == 1


def test_the_oldest_go_first(store: Store) -> None:
    jobs = [JobFactory(status=Status.FAILED, completed_at=ago(hours=hours)) for hours in (3, 9, 5)]
    assert store.delete_finished(Status.FAILED, HOUR, 2) == 2
    assert remaining() == {jobs[0].id}
    assert [store.delete_finished(Status.FAILED, HOUR, 2) for _ in range(2)] == [1, 0]


def test_history_goes_along_and_schedules_stay(store: Store) -> None:
    old = JobFactory(status=Status.COMPLETED, completed_at=ago(hours=2))
    kept = JobFactory()
    for job in (old, kept):
        TransitionFactory.create_batch(2, job=job)
        JobLog.objects.create(job=job, attempt=1, at=timezone.now(), level="info", message="x")
    CronJobFactory(last_job=old)
    store.delete_finished(Status.COMPLETED, HOUR, 10)
    assert set(JobTransition.objects.values_list("job_id", flat=True)) == {kept.id}
    assert set(JobLog.objects.values_list("job_id", flat=True)) == {kept.id}
    assert CronJob.objects.get().last_job_id is None


def test_old_history_goes_on_its_own(store: Store) -> None:
    job = JobFactory()
    TransitionFactory(job=job, at=ago(hours=2))
    TransitionFactory(job=job, at=ago(minutes=2))
    for age in (ago(hours=2), ago(minutes=2)):
        JobLog.objects.create(job=job, attempt=1, at=age, level="info", message="x")
    assert store.delete_transitions(HOUR, 10) == 2
    assert (JobTransition.objects.count(), JobLog.objects.count()) == (1, 1)
    assert Job.objects.count() == 1
