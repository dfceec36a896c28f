"""``JobDefinition``: what a job can do: be called, run now, run later."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, Unpack

from asgiref.sync import sync_to_async

from django_jobs import producing
from django_jobs.context import JobContext, stand_alone_context
from django_jobs.exceptions import InvalidArguments, InvalidJob
from django_jobs.names import check_job_name
from django_jobs.option_checks import check_integer
from django_jobs.options import JobOptions, UsingOptions
from django_jobs.schema import ParamsSchema, ResultSchema

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.models import Job
    from django_jobs.result import JobResult

P = ParamSpec("P")
R = TypeVar("R")

#: ``batch()`` runs at most this many jobs at a time.
MAX_CONCURRENCY = 100


class JobDefinition(Generic[P, R]):
    """A function under ``@job``.

    Calling it calls the function. ``P`` are its parameters without the context,
    ``R`` is what it returns.

    Attributes:
        name: under which it is registered and stored.
        aliases: earlier names; rows that carry one still run.
        function: what was decorated.
        options: the defaults, or what ``using()`` made of them.
        takes_context: whether the first parameter is the :class:`JobContext`.
        is_async: whether it is an ``async def`` function.
        is_isolated: whether workers run it in a process of its own.
        needs_loop: whether workers run it in an event loop that it shares with others.
        schema: its parameters.
        result_schema: its return type.
    """

    #: A template that is given a definition must not run the job.
    do_not_call_in_templates = True

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None,
        aliases: Sequence[str],
        options: JobOptions,
    ) -> None:
        _refuse_unimportable(function)
        self.function = function
        self.name = check_job_name(name or f"{function.__module__}.{function.__qualname__}")
        self.aliases = tuple(check_job_name(alias) for alias in aliases)
        self.options = options
        self.takes_context = _takes_context(function)
        self.is_async = inspect.iscoroutinefunction(function)
        self.is_isolated = options.isolation == "process"
        self.needs_loop = self.is_async and not self.is_isolated
        self.schema = ParamsSchema.of(function, skip_first=self.takes_context)
        self.result_schema = ResultSchema.of(function)
        if options.atomic and self.is_async:
            raise InvalidJob(
                f"@job(atomic=True): {function.__qualname__!r} is async def, and Django has no "
                "transactions there; make it a plain function, or leave atomic out and open "
                "transaction.atomic() inside sync_to_async()."
            )
        functools.update_wrapper(self, function)

    @property
    def queue(self) -> str:
        """The queue its jobs go to."""
        return self.options.queue

    @property
    def description(self) -> str:
        """The docstring of the function."""
        return inspect.getdoc(self.function) or ""

    @property
    def location(self) -> str:
        """Module and qualified name of the function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def __repr__(self) -> str:
        return f"<job {self.name}>"

    def __call__(self, /, *args: Any, **kwargs: Any) -> R:
        """Call the function itself, as if it were no job; for unit tests.

        Without a :class:`JobContext` as first argument it gets one that writes nothing.
        """
        if self.takes_context and not (args and isinstance(args[0], JobContext)):
            args = (stand_alone_context(self.name), *args)
        value: R = self.function(*args, **kwargs)
        return value

    def using(self, **options: Unpack[UsingOptions]) -> Self:
        """Return this definition with other options, for the calls made through it.

        Args:
            **options: queue, priority, delay (seconds or ``timedelta``), scheduled_for,
                expires_at, max_attempts, timeout (seconds), unique_key, on_conflict,
                correlation_id, subject (a saved model instance), tags, persist, lease (seconds);
                see :class:`~django_jobs.options.JobOptions`.

        Raises:
            TypeError: there is no such option.
            InvalidOption: a value is of the wrong type or out of range.
        """
        bound = copy.copy(self)
        bound.options = self.options.changed(options, UsingOptions.__annotations__)
        return bound

    def later(self, /, *args: P.args, **kwargs: P.kwargs) -> Job:
        """Enqueue one call, in the caller's transaction; return its row.

        Raises:
            InvalidArguments: the arguments do not fit the function.
            DuplicateJob: a live job has the same unique key, and ``on_conflict`` is ``"raise"``.
            EnqueueUnavailable: the database can't be written.
        """
        job = producing.build(self, self.schema.bind(args, kwargs))
        return producing.enqueue(self, [job])[0]

    def later_many(self, calls: Iterable[Mapping[str, Any]]) -> list[Job]:
        """Enqueue many calls with one bulk insert, all or none.

        Args:
            calls: the keyword arguments of each call.

        Raises:
            InvalidArguments: those of one call do not fit; the message has its index.
            EnqueueUnavailable: the database can't be written.
        """
        return producing.enqueue(self, producing.build_many(self, self._bind_many(calls)))

    def now(self, /, *args: P.args, **kwargs: P.kwargs) -> JobResult[R]:
        """Run one call here: one attempt, whose failure is reported and not raised.

        It is recorded like any job, unless ``using(persist=False)``. A job that raises
        ``Snooze`` is left to a worker.

        Raises:
            InvalidArguments: the arguments do not fit the function.
            LeaseLost: it took longer than ``using(lease=...)`` and was taken away.
        """
        # Not at the top: a web process only enqueues, and loads nothing that runs jobs.
        from django_jobs import direct

        return direct.run_now(self, self.schema.bind(args, kwargs))

    def batch(
        self,
        calls: Iterable[Mapping[str, Any]],
        *,
        concurrency: int = 3,
        stop_on_error: bool = False,
        persist: bool = True,
    ) -> list[JobResult[R]]:
        """Run many calls here and wait for all; results in the order of the calls.

        Args:
            calls: the keyword arguments of each call.
            concurrency: how many run at a time, each in a thread with connections of its own;
                with 1 they run in the caller's thread and transaction.
            stop_on_error: start no more after a failure; those have the status ``"not_run"``.
            persist: whether each is recorded as a job.

        Raises:
            InvalidArguments: those of one call do not fit; the message has its index.
            InvalidOption: ``concurrency`` is out of range.
        """
        check_integer("concurrency", concurrency, 1, MAX_CONCURRENCY)
        from django_jobs import direct

        return direct.run_batch(
            self.using(persist=persist),
            self._bind_many(calls),
            concurrency=concurrency,
            stop_on_error=stop_on_error,
        )

    def execute_from_database(self, job_id: UUID) -> JobResult[R]:
        """Take the waiting job with this id and run it here, with its own retry policy.

        Raises:
            Job.DoesNotExist: there is no such job.
            InvalidTransition: it is not waiting, or it is another definition's.
        """
        from django_jobs import direct

        return direct.run_from_database(self, job_id)

    async def alater(self, /, *args: P.args, **kwargs: P.kwargs) -> Job:
        """``later()`` for async code."""
        return await sync_to_async(self.later)(*args, **kwargs)

    async def alater_many(self, calls: Iterable[Mapping[str, Any]]) -> list[Job]:
        """``later_many()`` for async code."""
        return await sync_to_async(self.later_many)(calls)

    async def anow(self, /, *args: P.args, **kwargs: P.kwargs) -> JobResult[R]:
        """``now()`` for async code; the event loop stays free."""
        return await sync_to_async(self.now)(*args, **kwargs)

    def _bind_many(self, calls: Iterable[object]) -> list[dict[str, Any]]:
        bound = []
        for index, call in enumerate(calls):
            try:
                bound.append(self.schema.bind((), _checked_call(call)))
            except InvalidArguments as error:
                error.args = (f"call {index}: {error}",)
                raise
        return bound


def _checked_call(call: object) -> Mapping[str, Any]:
    if isinstance(call, Mapping):
        return call
    raise InvalidArguments(f"a dict of keyword arguments is needed; got {type(call).__name__}.")


def _refuse_unimportable(function: object) -> None:
    """A worker imports the module and finds the function by name, or not at all."""
    if isinstance(function, JobDefinition):
        raise InvalidJob(f"{function.location} is a job already.")
    if not inspect.isfunction(function):
        raise InvalidJob(
            f"@job takes a function defined in a module; a {type(function).__name__} is none."
        )
    if "<" in function.__qualname__ or "." in function.__qualname__:
        raise InvalidJob(
            f"@job takes a function at the top of a module; {function.__qualname__!r} is a lambda, "
            "a method or defined inside another function, where no worker can find it."
        )


def _takes_context(function: Callable[..., Any]) -> bool:
    """Whether the first parameter is annotated ``JobContext`` or named ``context``."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None:
        return False
    annotation = first.annotation
    if isinstance(annotation, str):
        annotated = annotation.rpartition(".")[2] == JobContext.__name__
    else:
        annotated = annotation is JobContext
    return annotated or first.name == "context"
