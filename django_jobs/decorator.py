"""``@job``: makes a function a job and registers it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, Unpack, overload

from django_jobs.context import JobContext
from django_jobs.definitions import JobDefinition
from django_jobs.options import DefinitionOptions, JobOptions
from django_jobs.registry import registry

P = ParamSpec("P")
R = TypeVar("R")


class JobDecorator(Protocol):
    """What ``@job(...)`` returns: typed so that ``later()`` takes the function's own arguments."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[JobContext, P], Coroutine[Any, Any, R]], /
    ) -> JobDefinition[P, R]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[JobContext, P], R], /
    ) -> JobDefinition[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> JobDefinition[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> JobDefinition[P, R]: ...


@overload
def job(
    function: Callable[Concatenate[JobContext, P], Coroutine[Any, Any, R]], /
) -> JobDefinition[P, R]: ...
@overload
def job(function: Callable[Concatenate[JobContext, P], R], /) -> JobDefinition[P, R]: ...
@overload
def job(function: Callable[P, Coroutine[Any, Any, R]], /) -> JobDefinition[P, R]: ...
@overload
def job(function: Callable[P, R], /) -> JobDefinition[P, R]: ...
@overload
def job(
    *, name: str | None = None, aliases: Sequence[str] = (), **options: Unpack[DefinitionOptions]
) -> JobDecorator: ...


def job(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    aliases: Sequence[str] = (),
    **options: Unpack[DefinitionOptions],
) -> Any:
    """Make a function a job and register it.

    Args:
        function: the function, when used without parentheses.
        name: stored in the rows; module and function name by default. Give one to a job
            that may move, or keep the old one as an alias.
        aliases: earlier names under which rows may still wait.
        **options: queue, priority (lower runs first), max_attempts, backoff, timeout (seconds),
            retry_for, discard_for, atomic, isolation, sensitive; see
            :class:`~django_jobs.options.JobOptions`.

    Raises:
        InvalidJob: the function can't be found by a worker, or its name is unusable.
        DuplicateJobName: another function has this name.
        InvalidOption: an option has a bad value.
        TypeError: there is no such option.
    """
    checked = JobOptions().changed(options, DefinitionOptions.__annotations__)

    def decorate(target: Callable[..., Any]) -> JobDefinition[Any, Any]:
        definition: JobDefinition[Any, Any] = JobDefinition(
            target, name=name, aliases=aliases, options=checked
        )
        registry.register(definition)
        return definition

    return decorate if function is None else decorate(function)
