"""One attempt of one job: decode, call through the chain, encode, decide. Writes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from django_jobs.chains import compose, execute_chain
from django_jobs.codec import active_codec
from django_jobs.context import JobContext, current_context
from django_jobs.deadline import deadline
from django_jobs.decision import decide
from django_jobs.exceptions import JobTimeout
from django_jobs.outcome import Outcome

if TYPE_CHECKING:
    from django_jobs.definitions import JobDefinition
    from django_jobs.reporting import Reporter
    from django_jobs.stores.records import ClaimedJob


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt: the decision, its duration in seconds, the value returned."""

    outcome: Outcome
    duration: float
    value: Any = None


def attempt(definition: JobDefinition[Any, Any], job: ClaimedJob, reporter: Reporter) -> Attempt:
    """Run a claimed job in this thread."""
    context = JobContext(job, reporter)
    token = current_context.set(context)
    started = time.monotonic()
    try:
        with deadline(job.timeout):
            call = _prepared(definition, job)
            value = async_to_sync(call)(context) if definition.is_async else call(context)
        return _succeed(definition, value, started)
    except BaseException as raised:  # noqa: BLE001 - whatever a job raises is an outcome
        return _fail(definition, job, raised, started)
    finally:
        current_context.reset(token)


async def attempt_async(
    definition: JobDefinition[Any, Any], job: ClaimedJob, reporter: Reporter
) -> Attempt:
    """Run a claimed ``async def`` job in this event loop."""
    context = JobContext(job, reporter)
    current_context.set(context)
    started = time.monotonic()
    try:
        try:
            async with asyncio.timeout(job.timeout):
                value = await _prepared(definition, job)(context)
        except TimeoutError as error:
            if job.timeout is not None and time.monotonic() - started >= job.timeout:
                raise JobTimeout from error
            raise
        return _succeed(definition, value, started)
    except BaseException as raised:  # noqa: BLE001 - whatever a job raises is an outcome
        return _fail(definition, job, raised, started)


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
    encoded = active_codec().encode(definition.result_schema.encode(value))
    return Attempt(Outcome.complete(encoded), time.monotonic() - started, value)


def _fail(
    definition: JobDefinition[Any, Any], job: ClaimedJob, raised: BaseException, started: float
) -> Attempt:
    if isinstance(raised, JobTimeout) and not raised.args:
        raised.args = (f"The job ran longer than its timeout of {job.timeout:g} seconds.",)
    outcome = decide(job, definition.options, raised)
    return Attempt(outcome, time.monotonic() - started)
