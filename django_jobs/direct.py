"""Running jobs in the caller's own process: ``now()``, ``batch()``, ``execute_from_database()``."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections, router, transaction

from django_jobs import rollups
from django_jobs.announcing import announce_outcome, announce_start
from django_jobs.conf import config
from django_jobs.direct_reporter import DirectReporter
from django_jobs.exceptions import InvalidOption, InvalidTransition, LeaseLost
from django_jobs.execution import Attempt, attempt, failed
from django_jobs.execution_atomic import attempt_in_transaction
from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.producing import build, start
from django_jobs.reporting import Reporter
from django_jobs.result import NOT_RUN, JobMetadata, JobResult
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.records import ClaimedJob, Finish, Holder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from django_jobs.definitions import JobDefinition

R = TypeVar("R")


def run_now(definition: JobDefinition[Any, R], params: dict[str, Any]) -> JobResult[R]:
    """One attempt, here and now."""
    options = definition.options
    if options.delay is not None or options.scheduled_for is not None:
        raise InvalidOption("delay, scheduled_for: now() runs at once; use later().")
    job = build(definition, params)
    job.max_attempts = 1
    if not options.persist:
        return _run_unpersisted(definition, job)
    lease = options.lease or config.NOW_LEASE
    claimed = start(job, Holder(_caller(), None, lease))
    return _run_claimed(definition, claimed)


def run_from_database(definition: JobDefinition[Any, R], job_id: UUID) -> JobResult[R]:
    """Take one waiting job and run it here, with its own retries."""
    job = Job.objects.using(router.db_for_write(Job)).get(pk=job_id)
    if definition.name != job.job_name and job.job_name not in definition.aliases:
        raise InvalidTransition(f"Job {job_id} is a {job.job_name}, not a {definition.name}.")
    lease = definition.options.lease or config.NOW_LEASE
    # Its own process id: should this process die, the job is retried like any other.
    claimed = active_store().claim_job(job_id, Holder(_caller(), uuid7(), lease))
    if claimed is None:
        job.refresh_from_db(fields=["status"])
        raise InvalidTransition(
            f"Job {job_id} is {job.status}; only a waiting job that has not expired can be run."
        )
    return _run_claimed(definition, claimed)


def _run_claimed(definition: JobDefinition[Any, R], claimed: ClaimedJob) -> JobResult[R]:
    reporter = DirectReporter(claimed, active_store())
    _after_commit(announce_start, definition, claimed)
    done = _attempt(definition, claimed, reporter)
    if not done.is_written:
        done = _finish(claimed, done, reporter)
    _after_commit(announce_outcome, definition, claimed, done.outcome, done.duration)
    _after_commit(rollups.write)
    return _conclude(claimed, done, persisted=True)


def _finish(claimed: ClaimedJob, done: Attempt, reporter: Reporter) -> Attempt:
    finish = Finish(claimed, done.outcome, claimed.actor, reporter.last())
    (written,) = active_store().finish([finish])
    if written is None:
        raise LeaseLost(
            f"Job {claimed.id} took longer than its lease and was taken away; raise lease=."
        )
    return replace(done, outcome=written)


def _after_commit(announce: Callable[..., None], *details: Any) -> None:
    """At once, or when the caller's transaction commits: what is rolled back never happened."""
    transaction.on_commit(partial(announce, *details), using=router.db_for_write(Job), robust=True)


def _attempt(
    definition: JobDefinition[Any, Any], claimed: ClaimedJob, reporter: Reporter
) -> Attempt:
    """One attempt that leaves the caller's transaction usable, if there is one.

    There, what a job wrote before it failed is undone: on PostgreSQL the error of a statement
    would otherwise take everything with it that the caller did.
    """
    in_transaction = connections[router.db_for_write(Job)].in_atomic_block
    if not in_transaction or definition.options.atomic:
        return attempt(definition, claimed, reporter)
    return attempt_in_transaction(definition, claimed, reporter, attempt, failed, finishes=False)


def _run_unpersisted(definition: JobDefinition[Any, R], job: Job) -> JobResult[R]:
    claimed = ClaimedJob(
        id=job.id,
        job_name=job.job_name,
        queue=job.queue,
        params=job.params,
        lease=0,
        attempt=1,
        failure_count=0,
        max_attempts=1,
        timeout=job.timeout,
        correlation_id=job.correlation_id,
    )
    return _conclude(claimed, _attempt(definition, claimed, Reporter(claimed)), persisted=False)


def _conclude(job: ClaimedJob, done: Attempt, *, persisted: bool) -> JobResult[Any]:
    outcome = done.outcome
    raised = outcome.exception
    if raised is not None and not isinstance(raised, Exception):
        # Ctrl-C or sys.exit() in the caller's own thread: recorded, and still obeyed.
        raise raised
    success = outcome.status == Status.COMPLETED
    return JobResult(
        success=success,
        data=done.value if success else None,
        error=None if success else outcome.reason or str(outcome.status),
        metadata=JobMetadata(
            job_id=job.id,
            job_name=job.job_name,
            status=str(outcome.status),
            attempt=job.attempt,
            duration=done.duration,
            correlation_id=job.correlation_id or str(job.id),
            persisted=persisted,
        ),
        exception=raised,
    )


def run_batch(
    definition: JobDefinition[Any, R],
    calls: Sequence[dict[str, Any]],
    *,
    concurrency: int,
    stop_on_error: bool,
) -> list[JobResult[R]]:
    """Run many calls, ``concurrency`` at a time; results in the order of the calls."""
    stop = threading.Event()

    def run_one(params: dict[str, Any]) -> JobResult[R]:
        if stop.is_set():
            return _not_run(definition)
        result = run_now(definition, params)
        if stop_on_error and not result.success:
            stop.set()
        return result

    if concurrency == 1:
        return [run_one(params) for params in calls]
    return _in_threads(run_one, calls, concurrency)


def _in_threads(
    run_one: Callable[[dict[str, Any]], JobResult[R]],
    calls: Iterable[dict[str, Any]],
    concurrency: int,
) -> list[JobResult[R]]:
    def run_and_close(params: dict[str, Any]) -> JobResult[R]:
        try:
            return run_one(params)
        finally:
            # The thread is not Django's: nobody else would close its connections.
            connections.close_all()

    with ThreadPoolExecutor(concurrency, thread_name_prefix="django_jobs_batch") as pool:
        return list(pool.map(run_and_close, calls))


def _not_run(definition: JobDefinition[Any, R]) -> JobResult[R]:
    return JobResult(
        success=False,
        data=None,
        error="not run: an earlier job of the batch failed",
        metadata=JobMetadata(None, definition.name, NOT_RUN, persisted=False),
    )


def _caller() -> str:
    return f"caller:{socket.gethostname()}:{os.getpid()}"
