"""Arguments are bound like a call; what is stored can be called again."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, Unpack

import pytest

from django_jobs.exceptions import InvalidArguments, InvalidJob, NotSerializable
from django_jobs.schema import ParamsSchema, ResultSchema

if TYPE_CHECKING:
    from somewhere import JobContext, Missing


class Options(TypedDict):
    size: int
    since: NotRequired[date]


@dataclass
class Holder:
    part: Missing


def plain(region: str, since: date, top: int = 10): ...
def with_context(context: JobContext, region: str): ...
def positional_only(a: int, b: int = 2, /, c: int = 3): ...
def keyword_only(*, a: int, b: int = 2): ...
def variadic(a: int, *rest: date, b: int = 2, **more: int): ...
def unpacked(*, a: int, **options: Unpack[Options]): ...
def nothing(): ...
def untyped(a, b=None): ...
def positional_and_more(a: int, /, **more: int): ...
async def asynchronous(a: date) -> date: ...


def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Bind, store, decode and bind to the function again: the arguments as it sees them."""
    schema = ParamsSchema.of(function, skip_first=False)
    args, kwargs = schema.decode(schema.bind(args, kwargs))
    return inspect.signature(function).bind(*args, **kwargs).arguments


DAY = date(2026, 1, 1)
ISO = "2026-01-01"
SIZED = {"size": 2, "since": ISO}


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "stored"),
    [
        (plain, ("CA", DAY), {}, {"region": "CA", "since": ISO}),
        (plain, (), {"since": DAY, "region": "CA"}, {"region": "CA", "since": ISO}),
        (plain, ("CA",), {"since": DAY, "top": 5}, {"region": "CA", "since": ISO, "top": 5}),
        (positional_only, (1,), {}, {"a": 1}),
        (positional_only, (1, 5), {"c": 6}, {"a": 1, "b": 5, "c": 6}),
        (positional_only, (1,), {"c": 6}, {"a": 1, "c": 6}),
        (keyword_only, (), {"a": 1}, {"a": 1}),
        (variadic, (1,), {}, {"a": 1}),
        (variadic, (1, DAY, DAY), {}, {"a": 1, "rest": [ISO, ISO]}),
        (variadic, (1, DAY), {"b": 3, "x": 4}, {"a": 1, "rest": [ISO], "b": 3, "more": {"x": 4}}),
        (variadic, (), {"a": 1, "more": 5, "rest": 6}, {"a": 1, "more": {"more": 5, "rest": 6}}),
        (positional_and_more, (1,), {"a": 5}, {"a": 1, "more": {"a": 5}}),
        (unpacked, (), {"a": 1, "size": 2, "since": DAY}, {"a": 1, "options": SIZED}),
        (nothing, (), {}, {}),
        (untyped, ([1],), {}, {"a": [1]}),
        (asynchronous, (DAY,), {}, {"a": "2026-01-01"}),
    ],
)  # fmt: skip
def test_only_what_was_passed_is_stored_and_comes_back(
    function: Callable[..., Any], args: Any, kwargs: Any, stored: Any
) -> None:
    assert ParamsSchema.of(function, skip_first=False).bind(args, kwargs) == stored
    expected = inspect.signature(function).bind(*args, **kwargs).arguments
    assert call(function, *args, **kwargs) == expected


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "words"),
    [
        (plain, (), {}, ["missing", "'region'", "plain(region: str, since: date, top: int = …)"]),
        (plain, ("CA",), {}, ["missing", "'since'"]),
        (plain, ("CA", DAY, 5, 6), {}, ["too many positional arguments", "plain("]),
        (plain, ("CA", DAY), {"region": "x"}, ["multiple values", "'region'"]),
        (plain, ("CA", DAY), {"tops": 5}, ["unexpected", "'tops'", "did you mean 'top'?"]),
        (plain, (), {"regoin": "CA", "since": DAY}, ["'regoin' is unexpected (did"]),
        (plain, (), {"region": "CA", "queue": 5}, ["missing", "'since'; 'queue' is unexpected;"]),
        (plain, (), {"region": "CA", "since": DAY, "queue": 5}, ["unexpected", "'queue'"]),
        (positional_only, (), {"a": 1}, ["'a'"]),
        (keyword_only, (1,), {}, ["too many positional arguments", "keyword_only(*, a: int"]),
        (nothing, (1,), {}, ["too many positional arguments", "nothing()"]),
        (variadic, (1, 5), {}, ["params.rest[0]: expected date, got int"]),
        (variadic, (1,), {"x": "y"}, ["params.more['x']: expected int, got str"]),
        (unpacked, (), {"a": 1, "size": 2, "x": 3}, ["params.options['x']"]),
        (plain, (), {1: 2}, ["must be strings"]),
        (plain, (), [("region", "CA")], ["mapping"]),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_named_with_the_signature(
    function: Callable[..., Any], args: Any, kwargs: Any, words: list[str]
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        ParamsSchema.of(function, skip_first=False).bind(args, kwargs)
    assert all(word in str(caught.value) for word in words), caught.value


def test_the_context_is_neither_bound_nor_resolved() -> None:
    schema = ParamsSchema.of(with_context, skip_first=True)
    assert schema.bind(("CA",), {}) == {"region": "CA"}
    assert schema.decode({"region": "CA"}) == ((), {"region": "CA"})
    with pytest.raises(InvalidArguments, match=r"with_context\(region: str\)"):
        schema.bind((), {"context": 1, "region": "CA"})


def missing_name(region: str, missing: Missing): ...
def missing_part(holder: list[Holder]): ...
def missing_result() -> Missing: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (with_context, ["with_context", "'context'", "JobContext"]),
        (missing_name, ["missing_name", "'missing'", "name 'Missing' is not defined"]),
        (missing_part, ["missing_part", "'holder'", "name 'Missing' is not defined (in Holder)"]),
    ],
)
def test_unresolvable_hints_name_the_parameter(
    function: Callable[..., Any], words: list[str]
) -> None:
    schema = ParamsSchema.of(function, skip_first=False)  # defining a job reads no hints
    for attempt in (lambda: schema.bind((), {}), lambda: schema.decode({})):
        with pytest.raises(InvalidJob) as caught:
            attempt()
        assert all(word in str(caught.value) for word in words), caught.value


def test_an_unresolvable_return_hint_is_named() -> None:
    schema = ResultSchema.of(missing_result)
    with pytest.raises(InvalidJob, match=r"missing_result: the return type hint .*'Missing'"):
        schema.encode(1)


def test_names_are_looked_up_where_the_innermost_function_is_defined() -> None:
    @functools.wraps(plain)
    def wrapper(*args: Any, **kwargs: Any) -> None: ...

    assert ParamsSchema.of(wrapper, False).bind(("CA", DAY), {}) == {
        "region": "CA",
        "since": ISO,
    }


def later_plain(region: str, since: date, top: int = 10, unit: str = "km"): ...
def earlier_plain(region: str): ...
def changed_plain(r: str, **more: Any): ...
def now_required(region: str, since: date, by: str): ...
def now_positional(a: int = 7, b: int = 8, /): ...
def now_collecting(a: int, /, *rest: int, **more: int): ...


@pytest.mark.parametrize(
    ("function", "stored", "expected"),
    [
        (later_plain, {"region": "CA", "since": ISO}, ((), {"region": "CA", "since": DAY})),
        (changed_plain, {"r": "CA", "top": 5}, ((), {"r": "CA", "top": 5})),
        (changed_plain, {"r": "A", "b": 5, "more": {"c": 1}}, ((), {"r": "A", "b": 5, "c": 1})),
        (now_positional, {"b": 2}, ((7, 2), {})),
        (now_positional, {"a": 2}, ((2,), {})),
        (now_collecting, {"a": 1, "rest": [2, 3], "more": {"a": 4}}, ((1, 2, 3), {"a": 4})),
    ],
)  # fmt: skip
def test_jobs_stored_before_a_deployment_still_run(
    function: Callable[..., Any], stored: Any, expected: Any
) -> None:
    args, kwargs = ParamsSchema.of(function, skip_first=False).decode(stored)
    assert (args, kwargs) == expected
    inspect.signature(function).bind(*args, **kwargs)


@pytest.mark.parametrize(
    ("function", "stored", "words"),
    [
        (earlier_plain, {"region": "CA", "top": 5}, ["params['top']", "no such parameter"]),
        (now_required, {"region": "CA"}, ["misses 'by', 'since'", "now_required(region: str"]),
        (plain, {"region": "CA", "since": 5}, ["params.since: expected date text, got int"]),
        (variadic, {"a": 1, "rest": 5}, ["params.rest"]),
        (variadic, {"a": 1, "more": {"a": 5}}, ["params: has 'a' twice"]),
        (plain, ["CA"], ["params: expected a dict of arguments, got list"]),
        (plain, None, ["params: expected a dict of arguments, got None"]),
    ],
)
def test_jobs_that_no_longer_fit_say_so(
    function: Callable[..., Any], stored: Any, words: list[str]
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        ParamsSchema.of(function, skip_first=False).decode(stored)
    assert all(word in str(caught.value) for word in [*words, "no longer fits"]), caught.value


def test_defaults_without_a_json_form_are_fine() -> None:
    def sample(a: int, tool: Callable[[], None] = print): ...

    schema = ParamsSchema.of(sample, skip_first=False)
    assert schema.decode(schema.bind((1,), {})) == ((), {"a": 1})
    with pytest.raises(NotSerializable, match=r"params\.tool: "):
        schema.bind((1, print), {})


def test_pydantic_is_not_imported_by_processes_without_models() -> None:
    program = (
        "import sys\n"
        "from django_jobs.schema import ParamsSchema\n"
        "def sample(a: dict[str, int], b: 'list[int] | None' = None): ...\n"
        "ParamsSchema.of(sample, skip_first=False).plan\n"
        "sys.exit('pydantic' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
