"""``@job``: what becomes a job, under which name, and what is refused."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from django_jobs import JobContext, JobDefinition, Priority, job
from django_jobs.exceptions import (
    DuplicateJobName,
    InvalidJob,
    InvalidOption,
    InvalidQueueName,
    UnknownJob,
)
from django_jobs.registry import registry
from tests import jobs


def plain(a: int = 1) -> int:
    """Return what came in.

    Not more.
    """
    return a


def other() -> None:
    pass


async def awaitable() -> None:
    pass


def with_annotation(first: JobContext, a: int) -> None:
    pass


def with_name(context, a: int) -> None:  # type: ignore[no-untyped-def]
    pass


def with_context_later(a: int, context: int) -> None:
    pass


class Holder:
    def method(self) -> None:
        pass

    @staticmethod
    def static() -> None:
        pass

    def __call__(self) -> None:
        pass


@pytest.fixture(autouse=True)
def registered_nothing() -> Iterator[None]:
    before = set(registry.names())
    yield
    for name in set(registry.names()) - before:
        registry.unregister(name)


# Forms


def test_without_parentheses() -> None:
    definition = job(plain)
    assert isinstance(definition, JobDefinition)
    assert definition.name == definition.location == f"{__name__}.plain"
    assert definition.description == "Return what came in.\n\nNot more."
    assert registry.get(f"{__name__}.plain") is definition


def test_the_defaults() -> None:
    options = job()(plain).options
    assert (options.queue, options.priority) == ("default", Priority.NORMAL)
    assert (options.max_attempts, options.timeout, options.backoff) == (None, None, None)
    assert (options.retry_for, options.discard_for) == ((), ())
    assert options.isolation == "thread"


def test_every_option() -> None:
    definition = job(
        name="tests.every",
        aliases=["tests.each"],
        queue="reports",
        priority=Priority.HIGH,
        max_attempts=7,
        backoff="linear",
        timeout=1.5,
        retry_for=OSError,
        discard_for=[KeyError, ValueError],
        isolation="process",
    )(plain)
    options = definition.options
    assert (definition.name, definition.aliases) == ("tests.every", ("tests.each",))
    assert (definition.queue, options.priority) == ("reports", -10)
    assert (options.max_attempts, options.backoff, options.timeout) == (7, "linear", 1.5)
    assert (options.retry_for, options.discard_for) == ((OSError,), (KeyError, ValueError))
    assert definition.is_isolated


def test_who_needs_the_loop_that_others_share() -> None:
    assert job(awaitable).needs_loop
    assert not job(isolation="process")(awaitable).needs_loop
    assert not job(plain).needs_loop


def test_it_looks_like_the_function() -> None:
    definition = job(plain)
    assert (definition.__name__, definition.__doc__) == (plain.__name__, plain.__doc__)
    assert repr(definition) == f"<job {definition.name}>"


@pytest.mark.parametrize(
    ("function", "takes", "parameters"),
    [
        (plain, False, {"a"}),
        (with_annotation, True, {"a"}),
        (with_name, True, {"a"}),
        (with_context_later, False, {"a", "context"}),
    ],
)
def test_the_context_is_the_first_parameter(
    function: Any, takes: bool, parameters: set[str]
) -> None:
    definition = job(function)
    assert definition.takes_context is takes
    assert definition.schema.plan.names == parameters


def test_async_functions_are_jobs() -> None:
    assert job(awaitable).is_async
    assert not job(plain).is_async


# Plain calls


def test_a_plain_call_calls_the_function() -> None:
    assert jobs.add(1, b=2) == 3
    with pytest.raises(ValueError, match="as asked"):
        jobs.fail()


def test_a_plain_call_gets_a_context_that_writes_nothing() -> None:
    told = jobs.describe_context
    assert jobs.take_context_by_name("word") == "word at attempt 1"
    jobs.tell_progress([10, 20])
    jobs.write_lines()
    assert told.takes_context


def test_a_plain_call_may_bring_its_context() -> None:
    from django_jobs.context import stand_alone_context

    context = stand_alone_context("mine")
    context.attempt = 7
    assert jobs.take_context_by_name(context, "word") == "word at attempt 7"  # type: ignore[arg-type]


# Refusals


@pytest.mark.parametrize(
    "bad",
    [
        lambda: None,
        Holder.method,
        Holder.static,
        Holder().method,
        Holder(),
        Holder,
        functools.partial(plain, 1),
        len,
        "tests.jobs.add",
        None.__class__,
        jobs.add,
    ],
)
def test_d2_what_no_worker_could_find_is_no_job(bad: Any) -> None:
    with pytest.raises(InvalidJob):
        job()(bad)


def test_d2_a_function_in_a_function_is_no_job() -> None:
    def inner() -> None:
        pass

    with pytest.raises(InvalidJob, match="inner"):
        job(inner)


@pytest.mark.parametrize(
    "name", ["a b", "x" * 201, "<script>", "é", "a\n", "a/b", "ａ", b"bytes", 7]
)
def test_bad_names(name: Any) -> None:
    with pytest.raises(InvalidJob):
        job(name=name)(plain)
    with pytest.raises(InvalidJob):
        job(aliases=[name])(plain)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"queue": "a b"}, InvalidQueueName),
        ({"priority": "high"}, InvalidOption),
        ({"max_attempts": 0}, InvalidOption),
        ({"backoff": "quick"}, InvalidOption),
        ({"backoff": []}, InvalidOption),
        ({"backoff": [-1]}, InvalidOption),
        ({"timeout": -1}, InvalidOption),
        ({"retry_for": "ValueError"}, InvalidOption),
        ({"retry_for": [ValueError()]}, InvalidOption),
        ({"discard_for": [int]}, InvalidOption),
        *(({"isolation": bad}, InvalidOption) for bad in ("thread ", "Process", None, True, 1, [])),
        ({"unique_key": "k"}, TypeError),
        ({"colour": "red"}, TypeError),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        job(**options)(plain)
    assert f"{__name__}.plain" not in registry


def test_an_unknown_option_lists_those_there_are() -> None:
    with pytest.raises(TypeError, match=r"'colour'.*queue, priority, max_attempts"):
        job(colour="red")


# Names


def test_d97_two_functions_of_one_name() -> None:
    job(name="tests.twice")(plain)
    with pytest.raises(DuplicateJobName, match=r"tests\.twice.*plain.*other"):
        job(name="tests.twice")(other)
    with pytest.raises(DuplicateJobName):
        job(name="tests.another", aliases=["tests.twice"])(other)
    assert registry.get("tests.twice").function is plain
    assert "tests.another" not in registry


def test_d97_an_alias_is_taken_too() -> None:
    job(name="tests.new", aliases=["tests.old"])(plain)
    with pytest.raises(DuplicateJobName):
        job(name="tests.old")(other)


def test_a_reloaded_module_is_no_duplicate() -> None:
    first, again = job(plain), job(plain)
    assert registry.get(first.name) is again


def test_the_registry_finds_by_name_and_alias() -> None:
    assert registry.has("tests.renamed")
    assert registry.has("tests.old_name")
    assert "tests.older_name" in registry
    assert registry.get("tests.older_name") is jobs.renamed
    assert {"tests.renamed", "tests.old_name"} <= set(registry.names())
    assert jobs.renamed in registry.all()
    assert "reports" in registry.queues()
    assert not registry.has("nobody")
    assert 7 not in registry


@pytest.mark.parametrize(
    ("name", "hint"),
    [("tests.ad", "'tests.add'"), ("os.system", "No job"), ("x" * 5000, "No job"), ("", "No job")],
)
def test_d1_d3_unknown_names_get_the_closest_match(name: str, hint: str) -> None:
    with pytest.raises(UnknownJob, match=hint) as caught:
        registry.get(name)
    assert len(str(caught.value)) < 400
