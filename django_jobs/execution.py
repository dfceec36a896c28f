"""One attempt of one job: decode, call through the chain, encode, decide.

Writes nothing, except for ``atomic=True`` jobs, whose end is part of their transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from django_jobs.cancellation import TaskCancellation
from django_jobs.chains import compose, execute_chain
from django_jobs.codec import active_codec
from django_jobs.context import JobContext, current_context
from django_jobs.deadline import deadline
from django_jobs.decision import decide
from django_jobs.exceptions import (
    JobTimeout,
    PayloadTooDeep,
    PayloadTooLarge,
    ResultNotSerializable,
)
from django_jobs.execution_atomic import attempt_in_transaction
from django_jobs.fingerprints import signature
from django_jobs.outcome import Outcome

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.reporting import Reporter
    from django_jobs.stores.records import ClaimedJob


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt.

    Attributes:
        outcome: the decision.
        duration: seconds.
        value: what the function returned.
        is_written: whether the outcome is in the database already, as that of an ``atomic=True``
            job is when it completed; then it is only to be told.
    """

    outcome: Outcome
    duration: float
    value: Any = field(default=None, repr=False)
    is_written: bool = False


def attempt(definition: JobDefinition[Any, Any], job: ClaimedJob, reporter: Reporter) -> Attempt:
    """Run a claimed job in this thread, and in a transaction with its end if it is ``atomic``."""
    if not definition.options.atomic:
        return attempt_body(definition, job, reporter)
    has_row = job.lease > 0
    return attempt_in_transaction(definition, job, reporter, attempt_body, failed, finishes=has_row)


def attempt_body(
    definition: JobDefinition[Any, Any], job: ClaimedJob, reporter: Reporter
) -> Attempt:
    """Run a claimed job in this thread; write nothing."""
    if definition.is_async:
        # Its own timeout: the one for threads would come only when the loop returns.
        return async_to_sync(attempt_async)(definition, job, reporter)
    context = JobContext(job, reporter)
    token = current_context.set(context)
    started = time.monotonic()
    try:
        with deadline(job.timeout):
            value = _prepared(definition, job)(context)
        return _succeed(definition, value, started)
    except BaseException as raised:  # noqa: BLE001 - whatever a job raises is an outcome
        return failed(definition, job, raised, started)
    finally:
        current_context.reset(token)


async def attempt_async(
    definition: JobDefinition[Any, Any], job: ClaimedJob, reporter: Reporter
) -> Attempt:
    """Run a claimed ``async def`` job in this event loop."""
    context = JobContext(job, reporter)
    token = current_context.set(context)
    started = time.monotonic()
    cancellation = TaskCancellation()
    try:
        try:
            with cancellation.on_request(reporter):
                async with asyncio.timeout(job.timeout) as limit:
                    value = await _prepared(definition, job)(context)
        except TimeoutError as error:
            if limit.expired():
                raise JobTimeout from error
            raise
        return _succeed(definition, value, started)
    except BaseException as raised:  # noqa: BLE001 - whatever a job raises is an outcome
        return failed(definition, job, raised, started)
    finally:
        current_context.reset(token)


def _prepared(definition: JobDefinition[Any, Any], job: ClaimedJob) -> Callable[[JobContext], Any]:
    """The function with its decoded arguments, inside the execute chain.

    For ``async def`` jobs a middleware's ``call_next`` returns an awaitable.
    """
    args, kwargs = definition.schema.decode(active_codec().decode(job.params))
    return compose(execute_chain, partial(_call, definition, args, kwargs))


def _call(
    definition: JobDefinition[Any, Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    context: JobContext,
) -> Any:
    if definition.takes_context:
        args = (context, *args)
    return definition.function(*args, **kwargs)


def _succeed(definition: JobDefinition[Any, Any], value: Any, started: float) -> Attempt:
    try:
        encoded = active_codec().encode(definition.result_schema.encode(value))
    except (PayloadTooDeep, PayloadTooLarge) as error:
        # As final as a result of the wrong type: doing the work again would return the same.
        raise ResultNotSerializable(str(error)) from error
    return Attempt(Outcome.complete(encoded), time.monotonic() - started, value)


def failed(
    definition: JobDefinition[Any, Any], job: ClaimedJob, raised: BaseException, started: float
) -> Attempt:
    """The attempt that began at ``started`` (monotonic seconds) and ended by an exception.

    It cannot fail itself: an attempt without an outcome would hold its lease for ever.
    """
    try:
        if isinstance(raised, JobTimeout) and not raised.args and job.timeout is not None:
            raised.args = (f"The job ran longer than its timeout of {job.timeout:g} seconds.",)
        outcome = decide(job, definition.options, raised)
    except BaseException:  # noqa: BLE001 - exceptions are users' code: anything may happen
        reason = f"{type(raised).__name__}, which can't be described"
        outcome = Outcome.fail(
            reason, reason, raised, signature(job.job_name, type(raised).__name__)
        )
    return Attempt(outcome, time.monotonic() - started)
