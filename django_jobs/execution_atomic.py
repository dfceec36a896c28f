"""Attempts inside a transaction: what the job wrote and its end are kept together, or not at all.

The job's row is locked at the very end only: a lock during the body would keep its progress from
being written and its lease from being renewed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, router, transaction
from django.db.transaction import TransactionManagementError

from django_jobs import failpoints
from django_jobs.exceptions import LeaseLost
from django_jobs.models import Job
from django_jobs.redaction import redactor_of
from django_jobs.states import Status
from django_jobs.stores import active_store
from django_jobs.stores.database.moves import take_write_lock
from django_jobs.stores.records import Finish
from django_jobs.validation import format_traceback

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.execution import Attempt
    from django_jobs.reporting import Reporter
    from django_jobs.stores.records import ClaimedJob

    Run = Callable[[JobDefinition[Any, Any], ClaimedJob, Reporter], Attempt]
    Fail = Callable[[JobDefinition[Any, Any], ClaimedJob, BaseException, float], Attempt]

logger = logging.getLogger("django_jobs")

_SWALLOWED: Final = "The job caught a database error outside of an atomic() block of its own."
_LEFT_OPEN: Final = "The job left an atomic() block open."


class _Undo(Exception):
    """Rolls back what was written by a job that did not complete."""


def attempt_in_transaction(
    definition: JobDefinition[Any, Any],
    job: ClaimedJob,
    reporter: Reporter,
    run: Run,
    failed: Fail,
    *,
    finishes: bool,
) -> Attempt:
    """One attempt whose writes are kept only if it completes; a savepoint in a transaction.

    Args:
        definition: what is run.
        job: the attempt to make.
        reporter: where the job reports to.
        run: makes the attempt.
        failed: makes an attempt out of an exception.
        finishes: whether the job's end is written in the same transaction. It is fenced by the
            lease: if that is lost, everything is rolled back (idea: River's ``JobCompleteTx``).
    """
    started = time.monotonic()
    committed: list[bool] = []
    done: Attempt | None = None
    if finishes and _has_one_writer():
        reporter.hold_back()  # nobody else could write it while the transaction lasts
    try:
        with _transaction(committed) as refuse_if_broken:
            done = run(definition, job, reporter)
            if done.outcome.status != Status.COMPLETED:
                raise _Undo
            refuse_if_broken()
            if finishes:
                done = _finish(job, done, reporter)
                failpoints.reach("atomic.ended")
        failpoints.reach("atomic.committed")
    except _Undo:
        pass
    except BaseException as error:  # noqa: BLE001 - any of them becomes an outcome
        # Whatever it is, the attempt needs an outcome.
        # Of a commit the answer alone may be lost. Then the job is completed, and this failure
        # is not accepted any more.
        if not committed:
            return failed(definition, job, error, started)
        hide = redactor_of(job.job_name, job.params)
        logger.error(
            "The job %s is completed, but what it left to on_commit() failed\n%s",
            job.id,
            format_traceback(error, hide=hide).rstrip(),
        )
    assert done is not None
    return done


def _has_one_writer() -> bool:
    return connections[router.db_for_write(Job)].vendor == "sqlite"


@contextmanager
def _transaction(committed: list[bool]) -> Iterator[Callable[[], None]]:
    """A transaction on the database that holds the jobs; yields the check before its end.

    ``committed`` gets an item when it is.
    """
    alias = router.db_for_write(Job)
    connection = connections[alias]
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(using=alias):
        if is_outermost:
            # Before all that the job leaves to on_commit(), which may raise.
            transaction.on_commit(partial(committed.append, True), using=alias)
            if _has_one_writer():
                take_write_lock(alias)
        depth = len(connection.savepoint_ids)

        def refuse_if_broken() -> None:
            if len(connection.savepoint_ids) != depth:
                raise TransactionManagementError(_LEFT_OPEN)
            if connection.get_rollback():
                raise TransactionManagementError(_SWALLOWED)

        yield refuse_if_broken


def _finish(job: ClaimedJob, done: Attempt, reporter: Reporter) -> Attempt:
    reporter.hold_back()
    finish = Finish(job, done.outcome, job.actor, reporter.last())
    (written,) = active_store().finish([finish])
    if written is None:
        raise LeaseLost(f"The lease of job {job.id} was lost; what it wrote is rolled back.")
    return replace(done, outcome=written, is_written=True)
