"""Short words for what the tests do again and again: enqueue, claim, work, look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from django.db import models, transaction
from django.db.models.functions import Now

from django_jobs.announcing import announce_outcome, announce_start
from django_jobs.execution import attempt
from django_jobs.models import Job, JobTransition, Queue
from django_jobs.outcome import Outcome
from django_jobs.registry import registry
from django_jobs.reporting import Reporter
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.records import ClaimedJob, ClaimRequest, Finish, Holder, Report

#: A worker process that is not there.
PROCESS = UUID("00000000-0000-4000-8000-000000000001")


def holder(process: UUID | None = PROCESS, *, lease: float = 60.0) -> Holder:
    return Holder("worker:test", process, lease)


def claim(
    limit: int = 10,
    queue: str = "default",
    *,
    limits: Mapping[str, int] | None = None,
    names: Sequence[str] | None = None,
    process: UUID | None = PROCESS,
    lease: float = 60.0,
) -> list[ClaimedJob]:
    """Claim as a worker does, which knows all jobs unless ``names`` are given."""
    names = registry.names() if names is None else names
    limits = {queue: limit} if limits is None else limits
    return active_store().claim(ClaimRequest(limits, names, holder(process, lease=lease)))


def claim_one(queue: str = "default", **options: Any) -> ClaimedJob:
    (claimed,) = claim(1, queue, **options)
    return claimed


def finish(job: ClaimedJob, outcome: Outcome, report: Report | None = None) -> bool:
    """End an attempt; say whether the store accepted it."""
    (written,) = active_store().finish([Finish(job, outcome, "worker:test", report)])
    return written is not None


def perform(job: ClaimedJob) -> Outcome:
    """Run a claimed job and write what came of it, as a worker does."""
    definition = registry.get(job.job_name)
    reporter = Reporter(job)
    announce_start(definition, job)
    done = attempt(definition, job, reporter)
    written: Outcome | None = done.outcome
    if not done.is_written:
        finish = Finish(job, done.outcome, "worker:test", reporter.last())
        (written,) = active_store().finish([finish])
    if written is not None:
        announce_outcome(definition, job, written, done.duration)
    return done.outcome


def work(queue: str = "default") -> list[Outcome]:
    """Run everything that is due in a queue, once."""
    return [perform(job) for job in claim(100, queue)]


def worked(job: Job) -> Job:
    """Let a worker run this job; return its row afterwards."""
    assert job.pk in {claimed.id for claimed in _claim_and_perform(job.queue)}
    return fresh(job)


def _claim_and_perform(queue: str) -> list[ClaimedJob]:
    claimed = claim(100, queue)
    for job in claimed:
        perform(job)
    return claimed


def fresh(job: Job | ClaimedJob | UUID) -> Job:
    """The row as the database has it."""
    return Job.objects.get(pk=job if isinstance(job, UUID) else job.id)


def status(job: Job | ClaimedJob | UUID) -> str:
    return fresh(job).status


def path(job: Job | ClaimedJob | UUID) -> list[str]:
    """The statuses that a job went through."""
    job_id = job if isinstance(job, UUID) else job.id
    return list(transitions(job_id).values_list("to_status", flat=True))


def transitions(job_id: UUID) -> models.QuerySet[JobTransition]:
    return JobTransition.objects.filter(job_id=job_id).order_by("id")


def last_transition(job: Job | ClaimedJob) -> JobTransition:
    found = transitions(job.id).last()
    assert found is not None
    return found


def from_now(**length: float) -> models.Expression:
    """A time by the database's clock: ``from_now(hours=-1)``."""
    return models.ExpressionWrapper(
        Now() + timedelta(**length), output_field=models.DateTimeField()
    )


def database_now() -> datetime:
    """The time by the database's clock."""
    Queue.objects.get_or_create(name="clock")
    return Queue.objects.annotate(now=Now()).values_list("now", flat=True)[0]


def seconds_until(moment: datetime | None) -> float:
    """How far ahead a time is by the database's clock."""
    assert moment is not None
    return (moment - database_now()).total_seconds()


def let_lease_expire(job: Job | ClaimedJob | UUID) -> None:
    job_id = job if isinstance(job, UUID) else job.id
    Job.objects.filter(pk=job_id).update(worker_expires_at=from_now(seconds=-1))


def make_due(job: Job | ClaimedJob) -> None:
    Job.objects.filter(pk=job.id).update(scheduled_for=from_now(seconds=-1))


def let_expire(job: Job | ClaimedJob) -> None:
    Job.objects.filter(pk=job.id).update(expires_at=from_now(seconds=-1))


def counts() -> dict[str, int]:
    """Number of jobs by status, without the zeros."""
    return active_store().count_by_state()


def nothing_written() -> bool:
    return not Job.objects.exists() and not JobTransition.objects.exists()


ALL_STATUSES = tuple(Status)


class _Rollback(Exception):
    pass


@contextmanager
def rolled_back(using: str = "default") -> Iterator[None]:
    """A transaction, or part of one, that is rolled back at the end of the block."""
    with suppress(_Rollback), transaction.atomic(using=using):
        yield
        raise _Rollback


class Configure(Protocol):
    """The fixture ``configure``: ``configure(LEASE=5)`` for the rest of the test."""

    def __call__(self, **keys: Any) -> None: ...
