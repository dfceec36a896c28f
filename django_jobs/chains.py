"""Middleware: chains around enqueueing and executing, and filters on claiming.

A middleware is a callable that gets the next one and what passes through:

* enqueue: ``(call_next, jobs) -> jobs`` with unsaved :class:`~django_jobs.models.Job` rows;
* execute: ``(call_next, context) -> result``, inside the attempt, in the job's thread;
* claim: ``(queryset) -> queryset``, narrowing what this worker may claim.

Observing needs no middleware: connect a signal instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from django_jobs.context import JobContext
    from django_jobs.models import Job
    from django_jobs.models.job import JobQuerySet

Passed = TypeVar("Passed")
Returned = TypeVar("Returned")

EnqueueCall = Callable[[Sequence["Job"]], Sequence["Job"]]
EnqueueMiddleware = Callable[[EnqueueCall, Sequence["Job"]], Sequence["Job"]]
ExecuteCall = Callable[["JobContext"], Any]
ExecuteMiddleware = Callable[[ExecuteCall, "JobContext"], Any]
ClaimFilter = Callable[["JobQuerySet"], "JobQuerySet"]

enqueue_chain: Final[list[EnqueueMiddleware]] = []
execute_chain: Final[list[ExecuteMiddleware]] = []
claim_chain: Final[list[ClaimFilter]] = []


def compose(
    middleware: Sequence[Callable[[Callable[[Passed], Returned], Passed], Returned]],
    call: Callable[[Passed], Returned],
) -> Callable[[Passed], Returned]:
    """Wrap ``call`` in ``middleware``; the first of the list becomes the outermost."""
    for wrapper in reversed(middleware):
        call = partial(wrapper, call)
    return call


def narrow(queryset: JobQuerySet) -> JobQuerySet:
    """Apply every claim filter in turn."""
    for claim_filter in claim_chain:
        queryset = claim_filter(queryset)
    return queryset
