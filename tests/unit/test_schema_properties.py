"""Round trips of values that nobody thought of, also through what PostgreSQL makes of them."""

from __future__ import annotations

import enum
import json
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_jobs.exceptions import InvalidArguments, NotSerializable
from django_jobs.schema import ParamsSchema
from django_jobs.schema.sameness import same

COMMON = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


class Color(enum.Enum):
    RED = "red"
    NUMBER = 1


class Pair(NamedTuple):
    left: int
    right: UUID | None


class Movie(TypedDict):
    title: str
    year: NotRequired[date]


@dataclass
class Leaf:
    at: datetime
    price: Decimal
    tags: set[str]


@dataclass
class Branch:
    leaves: list[Leaf]
    branches: list[Branch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leaves = list(self.leaves)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
integers = st.integers(-(10**30), 10**30)
floats = st.floats(allow_nan=False, allow_infinity=False)
small_floats = floats.filter(lambda value: abs(value) < 1e16)
aware = st.datetimes(timezones=st.timezones(), allow_imaginary=True)
decimals = st.decimals(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | integers | small_floats | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)
leaves = st.builds(Leaf, aware, decimals, st.sets(texts, max_size=3))
branches = st.recursive(
    st.builds(Branch, st.lists(leaves, max_size=2)),
    lambda inner: st.builds(Branch, st.just([]), st.lists(inner, max_size=3)),
    max_leaves=5,
)

CASES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, texts),
    (int, integers),
    (float, floats),
    (bool, st.booleans()),
    (Any, plain),
    (datetime, aware),
    (date, st.dates()),
    (time_of_day, st.times()),
    (timedelta, st.timedeltas()),
    (UUID, st.uuids()),
    (Decimal, decimals),
    (Color, st.sampled_from(Color)),
    (Literal["a", 1, True, None], st.sampled_from(["a", 1, True, None])),
    (list[int | None], st.lists(st.none() | integers)),
    (tuple[str, int, float], st.tuples(texts, integers, floats)),
    (set[int | str | None], st.sets(st.none() | integers | texts)),
    (frozenset[date], st.frozensets(st.dates())),
    (dict[int, str], st.dictionaries(integers, texts)),
    (dict[float, int], st.dictionaries(floats, integers)),
    (dict[datetime, int], st.dictionaries(aware, integers, max_size=3)),
    (dict[Color, list[Decimal]], st.dictionaries(st.sampled_from(Color), st.lists(decimals))),
    (Pair, st.builds(Pair, integers, st.none() | st.uuids())),
    (Movie, st.fixed_dictionaries({"title": texts}, optional={"year": st.dates()})),
    (Branch, branches),
    (Leaf | Pair | Movie | list[Leaf], leaves | st.lists(leaves, min_size=1, max_size=2)),
    (int | float | bool, integers | small_floats | st.booleans()),
    (UUID | date | int | None, st.uuids() | st.dates() | integers | st.none()),
]


def schema_of(hint: Any) -> ParamsSchema:
    def sample(a):
        raise AssertionError("never called")

    sample.__annotations__ = {"a": hint}
    return ParamsSchema.of(sample, skip_first=False)


def through_jsonb(stored: Any) -> Any:
    """What a jsonb column gives back: other key order, whole numbers for big floats."""
    text = json.dumps(stored, allow_nan=False)
    return _as_jsonb(json.loads(text))


def _as_jsonb(stored: Any) -> Any:
    if isinstance(stored, float):
        number = Decimal(repr(stored))
        exponent = number.as_tuple().exponent
        return int(number) if isinstance(exponent, int) and exponent >= 0 else stored
    if isinstance(stored, list):
        return [_as_jsonb(item) for item in stored]
    if isinstance(stored, dict):
        return {key: _as_jsonb(stored[key]) for key in sorted(stored, key=lambda k: (len(k), k))}
    return stored


@pytest.mark.parametrize(("hint", "values"), CASES, ids=lambda one: str(one)[:50])
def test_what_goes_in_comes_out(hint: Any, values: st.SearchStrategy[Any]) -> None:
    schema = schema_of(hint)

    @COMMON
    @given(values)
    def check(value: Any) -> None:
        stored = schema.bind((), {"a": value})
        for column in (json.loads, lambda text: through_jsonb(json.loads(text))):
            back = schema.decode(column(json.dumps(stored, allow_nan=False)))[1]["a"]
            assert same(back, value)

    check()


UNIONS: list[Any] = [
    str | int | float | bool | None,
    datetime | str,
    str | datetime,
    UUID | str | None,
    float | int,
    list[int] | list[float] | list[str],
    date | datetime | Decimal | str,
    dict[str, int] | dict[int, str] | Movie,
    tuple[int, ...] | list[int] | set[int],
    Any | UUID,
]
anything = (
    plain
    | aware
    | st.dates()
    | st.uuids()
    | decimals
    | aware.map(lambda moment: moment.isoformat())
    | st.uuids().map(str)
    | decimals.map(str)
    | st.lists(integers)
    | st.lists(floats)
    | st.sets(integers)
    | st.dictionaries(integers, texts)
)


@pytest.mark.parametrize("hint", UNIONS, ids=str)
def test_unions_give_a_value_back_or_refuse_it(hint: Any) -> None:
    schema = schema_of(hint)

    @COMMON
    @given(anything)
    def check(value: Any) -> None:
        try:
            stored = schema.bind((), {"a": value})
        except InvalidArguments:
            return
        assert same(schema.decode(through_jsonb(stored))[1]["a"], value)

    check()


@dataclass
class Chain:
    link: Chain | int | list[Chain] | str

    def __post_init__(self) -> None:
        pass


def test_nested_unions_are_not_exponential() -> None:
    value = Chain(1)
    for _ in range(22):
        value = Chain([Chain("x"), value])
    schema = schema_of(Chain)
    began = time.process_time()
    stored = schema.bind((), {"a": value})
    assert schema.decode(stored)[1]["a"] == value
    assert time.process_time() - began < 5


@COMMON
@given(st.text(st.characters(categories=["Cs", "Cc", "L"]), max_size=8))
def test_any_text_is_stored_or_refused(value: str) -> None:
    try:
        stored = schema_of(Any).bind((), {"a": [value]})
    except InvalidArguments:
        assert "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
    else:
        assert json.loads(json.dumps(stored).encode()) == {"a": [value]}
        assert "\0" not in value


@COMMON
@given(
    st.recursive(
        plain
        | st.binary()
        | st.floats()
        | st.dates()
        | st.tuples(integers)
        | st.sets(integers)
        | st.dictionaries(st.integers() | st.booleans() | st.none(), integers),
        lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
        max_leaves=8,
    )
)
def test_untyped_arguments_come_out_the_same_or_are_refused(value: Any) -> None:
    schema = schema_of(Any)
    try:
        stored = schema.bind((), {"a": value})
    except NotSerializable:
        return
    assert same(through_jsonb(stored), {"a": value})
