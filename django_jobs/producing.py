"""Making rows out of calls and enqueueing them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from django.db import router, transaction
from django.db.models.base import ModelState
from django.db.models.functions import Now
from django.utils import timezone

from django_jobs import signals
from django_jobs.chains import compose, enqueue_chain
from django_jobs.codec import active_codec
from django_jobs.conf import config
from django_jobs.context import current_context
from django_jobs.exceptions import DuplicateJob, EnqueueUnavailable, InvalidOption
from django_jobs.ids import uuid7_many
from django_jobs.models import Job
from django_jobs.registry import registry
from django_jobs.states import Status
from django_jobs.stores import active_store, recovery

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.options import JobOptions
    from django_jobs.stores.records import ClaimedJob, Holder


def build(definition: JobDefinition[Any, Any], params: dict[str, Any]) -> Job:
    """An unsaved row for one call; ``params`` are bound and encoded."""
    return build_many(definition, [params])[0]


def build_many(definition: JobDefinition[Any, Any], calls: Sequence[dict[str, Any]]) -> list[Job]:
    """Unsaved rows, one for the params of each call."""
    columns = _columns(definition.options) | {"job_name": definition.name}
    tags = definition.options.tags
    encode = active_codec().encode
    return [
        _row({**columns, "id": id_, "params": encode(params), "tags": [*tags]})
        for id_, params in zip(uuid7_many(len(calls)), calls, strict=True)
    ]


def _columns(options: JobOptions) -> dict[str, Any]:
    """What all rows of one enqueue have in common."""
    status, scheduled_for = _when(options)
    columns = (
        _defaults()
        | {
            "queue": options.queue,
            "priority": options.priority,
            "status": status,
            "timeout": options.timeout,
            "max_attempts": options.max_attempts or config.MAX_ATTEMPTS,
            "unique_key": options.unique_key,
            "expires_at": options.expires_at,
            "correlation_id": options.correlation_id,
            "subject": options.subject,
        }
        | _inherited(options)
    )
    if scheduled_for is not None:
        columns["scheduled_for"] = scheduled_for
    return columns


@cache
def _defaults() -> dict[str, Any]:
    """The columns of a row that nobody filled."""
    columns = dict(vars(Job()))
    del columns["_state"]
    return columns


def _row(columns: dict[str, Any]) -> Job:
    """A row as ``Job(**columns)`` makes it, in a thirtieth of the time."""
    job = Job.__new__(Job)
    job.__dict__ = columns
    job._state = ModelState()
    return job


def _when(options: JobOptions) -> tuple[Status, Any]:
    if options.delay:
        # Added to the database's clock: a web server's own may be minutes off.
        return Status.SCHEDULED, Now() + timedelta(seconds=options.delay)
    if options.scheduled_for is None or options.scheduled_for <= timezone.now():
        return Status.PENDING, options.scheduled_for
    return Status.SCHEDULED, options.scheduled_for


def _inherited(options: JobOptions) -> dict[str, Any]:
    """What a job has from the one that enqueues it while it runs."""
    context = current_context.get()
    if context is None:
        return {}
    return {
        "correlation_id": options.correlation_id or context.correlation_id,
        "parent_id": context.job_id if context.has_row else None,
    }


def enqueue(definition: JobDefinition[Any, Any], jobs: Sequence[Job]) -> list[Job]:
    """Insert rows of one definition in the caller's transaction; all or none.

    Raises:
        DuplicateJob: a live job holds the unique key, and ``on_conflict`` is ``"raise"``.
        InvalidOption: a unique key was given for several jobs.
        EnqueueUnavailable: the database can't be written.
    """
    if len(jobs) > 1 and definition.options.unique_key is not None:
        raise InvalidOption(f"unique_key: names one job; {len(jobs)} were to be enqueued.")
    if not jobs:
        return []
    try:
        return list(compose(enqueue_chain, _insert)(jobs))
    except DuplicateJob as conflict:
        if definition.options.on_conflict == "raise":
            raise
        alias = conflict.using or router.db_for_write(Job)
        existing = Job.objects.using(alias).get(pk=conflict.job_id)
        existing.was_already_enqueued = True
        return [existing]


def start(job: Job, holder: Holder) -> ClaimedJob:
    """Insert a row like any other and take it at once.

    Raises:
        DuplicateJob: a live job holds the unique key.
        EnqueueUnavailable: the database can't be written, or a middleware kept the job.
    """
    claimed: list[ClaimedJob] = []

    def insert_and_take(jobs: Sequence[Job]) -> Sequence[Job]:
        claimed.extend(active_store().start(job, holder) for job in jobs)
        _announce_on_commit(jobs)
        return jobs

    compose(enqueue_chain, insert_and_take)([job])
    if not claimed:
        raise EnqueueUnavailable("A middleware kept the job instead of enqueueing it.")
    return claimed[0]


def _insert(jobs: Sequence[Job]) -> Sequence[Job]:
    try:
        active_store().enqueue(jobs)
    except EnqueueUnavailable as refusal:
        if not recovery.can_stand_in(refusal):
            raise
        recovery.put_aside(jobs)
        return jobs
    _announce_on_commit(jobs)
    return jobs


def _announce_on_commit(jobs: Sequence[Job]) -> None:
    if signals.job_enqueued.receivers:
        transaction.on_commit(
            partial(announce_enqueued, jobs), using=router.db_for_write(Job), robust=True
        )


def announce_enqueued(jobs: Sequence[Job]) -> None:
    """Send ``job_enqueued`` for jobs that were committed."""
    for job in jobs:
        signals.emit(
            signals.job_enqueued,
            registry.find(job.job_name),
            job=job,
            job_id=job.id,
            job_name=job.job_name,
            queue=job.queue,
        )
