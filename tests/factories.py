"""Rows for scenes. A job that is not born waiting needs the fixture ``any_status``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from django_jobs.ids import uuid7
from django_jobs.models import CronJob, Job, JobTransition, Queue, Worker, WorkerProcess
from django_jobs.states import TERMINAL, Status
from tests.harness.guard import guard_paused


def ago(**length: float) -> Any:
    """A moment in the past: ``ago(minutes=5)``."""
    return timezone.now() - timedelta(**length)


def ahead(**length: float) -> Any:
    """A moment in the future: ``ahead(minutes=5)``."""
    return timezone.now() + timedelta(**length)


class JobFactory(DjangoModelFactory[Job]):
    """A job in any status, with what the status demands."""

    class Meta:
        model = Job

    job_name = "tests.add"
    params = factory.LazyFunction(lambda: {"a": 1})
    status = Status.PENDING
    completed_at = factory.LazyAttribute(lambda job: ago() if job.status in TERMINAL else None)
    worker_expires_at = factory.LazyAttribute(
        lambda job: ahead(minutes=1) if job.status == Status.RUNNING else None
    )
    worker_process = factory.LazyAttribute(
        lambda job: uuid7() if job.status == Status.RUNNING else None
    )
    lease = factory.LazyAttribute(lambda job: 1 if job.status == Status.RUNNING else 0)


class TransitionFactory(DjangoModelFactory[JobTransition]):
    class Meta:
        model = JobTransition

    job = factory.SubFactory(JobFactory)
    to_status = Status.PENDING


class QueueFactory(DjangoModelFactory[Queue]):
    class Meta:
        model = Queue

    name = factory.Sequence("queue-{}".format)


class CronJobFactory(DjangoModelFactory[CronJob]):
    """A schedule that was due a moment ago."""

    class Meta:
        model = CronJob

    name = factory.Sequence("schedule-{}".format)
    job_name = "tests.do_nothing"
    cron_expression = "*/5 * * * *"
    next_run_at = factory.LazyFunction(lambda: ago(seconds=5))


class WorkerFactory(DjangoModelFactory[Worker]):
    class Meta:
        model = Worker

    name = factory.Sequence("worker-{}".format)


class WorkerProcessFactory(DjangoModelFactory[WorkerProcess]):
    class Meta:
        model = WorkerProcess

    worker = factory.SubFactory(WorkerFactory)
    pid = factory.Sequence(lambda number: 1000 + number)
    host = "test"


def failed_job(**columns: Any) -> Job:
    """A dead letter, without the way that led to it."""
    with guard_paused():
        return JobFactory(status=Status.FAILED, **columns)
