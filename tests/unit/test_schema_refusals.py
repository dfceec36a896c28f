"""Every bad argument has its own clear error, which names the path and never the value."""

from __future__ import annotations

import enum
import threading
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy

from django_jobs.exceptions import (
    InvalidArguments,
    InvalidText,
    JobsError,
    NotSerializable,
    PayloadTooDeep,
    PayloadTooLarge,
    ResultNotSerializable,
)
from django_jobs.schema import ParamsSchema, ResultSchema

SECRET = "hunter2"
ID = UUID("0190e5a4-7a3c-7cc0-8000-000000000001")


class Color(enum.Enum):
    RED = "red"


class Nullable(enum.Enum):
    NOTHING = None


class Sentinel(enum.Enum):
    MISSING = object()


class Bare(enum.Enum):
    pass


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class SubPoint(Point):
    z: int = 0


@dataclass
class Node:
    name: str = ""
    child: Node | None = None


@dataclass
class Counted:
    count: int

    def __post_init__(self) -> None:
        self.count += 1


@dataclass
class Stamped:
    name: str
    stamp: object = field(init=False, default_factory=object)


@dataclass
class Picky:
    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(SECRET)


@dataclass
class WithInit:
    start: InitVar[int]


@dataclass(init=False)
class OwnConstructor:
    x: int


class Pair(NamedTuple):
    left: int
    right: int


class Movie(TypedDict, total=False):
    title: str


class RepeatedHour(tzinfo):
    """A zone of another library, in the repeated hour of its clock."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=1 if moment is None or moment.fold else 2)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(0)


def case(value: Any) -> str:
    """A test id; not every value of these tables can be printed."""
    return value if isinstance(value, str) and value.startswith("params") else type(value).__name__


def schema_of(hint: Any) -> ParamsSchema:
    def sample(a):
        raise AssertionError("never called")

    sample.__annotations__ = {"a": hint}
    return ParamsSchema.of(sample, skip_first=False)


def refusal(hint: Any, value: Any) -> JobsError:
    with pytest.raises(JobsError) as caught:
        schema_of(hint).bind((), {"a": value})
    message = str(caught.value)
    assert message.startswith("params")
    assert SECRET not in message
    return caught.value


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (int, SECRET, "params.a: expected int, got str"),
        (int, True, "params.a: expected int, got bool"),
        (int, 1.0, "params.a: expected int, got float"),
        (str, 5, "params.a: expected str, got int"),
        (str, None, "params.a: expected str, got None"),
        (str, b"x", "params.a: expected str, got bytes"),
        (float, True, "params.a: expected float, got bool"),
        (float, Decimal(1), "params.a: expected float, got Decimal"),
        (bool, 1, "params.a: expected bool, got int"),
        (datetime, date(2026, 1, 1), "params.a: expected datetime, got date"),
        (datetime, "2026-01-01", "params.a: expected datetime, got str"),
        (date, datetime(2026, 1, 1, tzinfo=UTC), "params.a: expected date, got datetime"),
        (time, "10:00", "params.a: expected time, got str"),
        (timedelta, 5, "params.a: expected timedelta, got int"),
        (UUID, str(ID), "params.a: expected UUID, got str"),
        (Decimal, 1.5, "params.a: expected Decimal, got float"),
        (list[int], [1, 2, SECRET], "params.a[2]: expected int, got str"),
        (list[int], (1, 2), "params.a: expected list[int], got tuple"),
        (Sequence[str], SECRET, "params.a: expected list[str], got str"),
        (tuple[int, str], (1,), "params.a: expected tuple[int, str] with 2 items, got 1 items"),
        (tuple[int, str], (1, 2), "params.a[1]: expected str, got int"),
        (tuple[int, int], Pair(1, 2), "params.a: expected tuple[int, int], got Pair"),
        (tuple[int, ...], [1], "params.a: expected tuple[int, ...], got list"),
        (set[int], [1], "params.a: expected set[int], got list"),
        (dict[str, int], {"k": SECRET}, "params.a['k']: expected int, got str"),
        (dict[int, int], {"k": 1}, "params.a['k']: expected int, got str"),
        (dict[UUID, int], {ID: "x"}, "params.a[<UUID>]: expected int, got str"),
        (dict[str, int], {"k" * 90: "x"}, f"params.a['{'k' * 39}…]: expected int, got str"),
        (dict[str, list[int]], {"k": [1, None]}, "params.a['k'][1]: expected int, got None"),
        (Color, "red", "params.a: expected Color, got str"),
        (Literal["a", "b"], SECRET, "params.a: expected Literal['a', 'b'], got another value"),
        (Literal[1], True, "params.a: expected Literal[1], got another value"),
        (Literal[1], ([],), "params.a: expected Literal[1], got another value"),
        (Point, SubPoint(1), "params.a: expected Point, got SubPoint"),
        (Point, {"x": 1}, "params.a: expected Point, got dict"),
        (Point, Point(SECRET), "params.a.x: expected int, got str"),
        (Pair, (1, 2), "params.a: expected Pair, got tuple"),
        (Movie, {"title": 5}, "params.a['title']: expected str, got int"),
        (Movie, {"name": SECRET}, "params.a['name']: Movie has no such field"),
        (Movie, {5: SECRET}, "params.a[5]: Movie has no such field"),
        (int | None, SECRET, "params.a: expected int, got str"),
        (int | str, 1.5, "params.a: expected int | str, got float"),
        (int | list[int] | None, [SECRET], "params.a[0]: expected int, got str"),
        (Picky, Picky.__new__(Picky), "params.a: Picky has a field without a value"),
    ],
    ids=case,
)
def test_wrong_types_are_named_with_their_path(hint: Any, value: Any, message: str) -> None:
    error = refusal(hint, value)
    assert type(error) is InvalidArguments
    assert str(error) == message


@pytest.mark.parametrize(
    ("hint", "value", "words"),
    [
        (Any, {"k": [1, {2}]}, ["params.a['k'][1]:", "set", "annotate it as a set"]),
        (Any, b"x", ["params.a:", "bytes", "base64"]),
        (Any, object(), ["params.a:", "object"]),
        (Any, print, ["params.a:", "builtin_function"]),
        (Any, threading.Lock(), ["params.a:", "lock"]),
        (Any, [Group(name=SECRET)], ["params.a[0]:", "Group", "pass its pk"]),
        (Any, Group.objects.all(), ["params.a:", "QuerySet", "list of pks"]),
        (Group, Group(name=SECRET), ["params.a:", "Group", "pass its pk"]),
        (Any, gettext_lazy("x"), ["params.a:", "str() of the lazy text"]),
        (Any, [(1, 2)], ["params.a[0]:", "tuple", "annotate it as a tuple"]),
        (Any, Pair(1, 2), ["params.a:", "Pair"]),
        (Any, Decimal(1), ["params.a:", "Decimal", "annotate"]),
        (Any, datetime(2026, 1, 1, tzinfo=UTC), ["params.a:", "datetime", "annotate"]),
        (Any, ID, ["params.a:", "UUID", "annotate"]),
        (Any, Color.RED, ["params.a:", "Color", "annotate"]),
        (Any, OrderedDict(a=1), ["params.a:", "OrderedDict"]),
        (Any, float("nan"), ["params.a:", "NaN"]),
        (Any, {"k": float("-inf")}, ["params.a['k']:", "Infinity"]),
        (float, float("inf"), ["params.a:", "Infinity"]),
        (Decimal, Decimal("NaN"), ["params.a:", "NaN"]),
        (Decimal, Decimal("sNaN"), ["params.a:", "NaN"]),
        (Any, 1e16, ["params.a:", "float", "PostgreSQL", "annotate"]),
        (float, 2**53 + 1, ["params.a:", "no float equals exactly"]),
        (float, 10**400, ["params.a:", "too large for a float"]),
        (int, 10**5000, ["params.a:", "4,000 digits"]),
        (Any, [10**5000], ["params.a[0]:", "4,000 digits"]),
        (Any, {"k": {1: "x"}}, ["params.a['k'][1]:", "key", "int", "annotate"]),
        (dict, {None: 1}, ["params.a[<None>]:", "key", "None"]),
        (dict[Any, int], {True: 1}, ["params.a[True]:", "key", "bool"]),
        (dict[tuple[int, int], int], {(1, 2): 1}, ["params.a:", "keys without a text form"]),
        (bytes, b"x", ["params.a:", "bytes", "base64"]),
        (Callable[[], None], print, ["params.a:", "Callable"]),
        (OrderedDict[str, int], OrderedDict(a=1), ["params.a:", "OrderedDict"]),
        (WithInit, WithInit(1), ["params.a:", "InitVar"]),
        (OwnConstructor, OwnConstructor.__new__(OwnConstructor), ["params.a:", "init=False"]),
        (Counted, Counted(1), ["params.a:", "does not come back equal"]),
        (Stamped, Stamped("x"), ["params.a:", "does not come back equal"]),
        (Sentinel, Sentinel.MISSING, ["params.a:", "Sentinel", "without a JSON form"]),
        (Literal[b"x"], b"x", ["params.a:", "Literal"]),
        (Literal[Color.RED, "red"], "red", ["params.a:", "ambiguous"]),
        (Nullable | None, Nullable.NOTHING, ["params.a:", "ambiguous", "null"]),
        (datetime | str, "2026-01-01T00:00:00+00:00", ["params.a:", "ambiguous"]),
        (UUID | str, str(ID), ["params.a:", "ambiguous"]),
        (str | UUID, ID, ["params.a:", "ambiguous"]),
        (Color | str, "red", ["params.a:", "ambiguous"]),
        (int | float, 1e22, ["params.a:", "ambiguous"]),
        (list[UUID] | list[str], [str(ID)], ["params.a:", "ambiguous"]),
        (
            datetime,
            datetime(2026, 10, 25, 2, 30, tzinfo=RepeatedHour()),
            ["params.a:", "convert it to UTC"],
        ),
        (time, time(1, tzinfo=ZoneInfo("Europe/Berlin")), ["params.a:", "without the zone"]),
        ([int], [1], ["params.a:", "hint"]),
    ],
    ids=case,
)
def test_what_json_would_change_or_lose_is_refused(hint: Any, value: Any, words: list[str]) -> None:
    error = refusal(hint, value)
    assert type(error) is NotSerializable
    assert all(word in str(error) for word in words), error


@pytest.mark.parametrize(
    ("hint", "value", "path"),
    [
        (str, "a\0b", "params.a:"),
        (str, "a\udce9", "params.a:"),
        (Any, ["\ud800"], "params.a[0]:"),
        (Any, {"a\0b": 1}, "params.a['a\\x00b']:"),
        (dict[str, int], {"\udfff": 1}, "params.a['\\udfff']:"),
        (str | int, "a\0b", "params.a:"),
        (list[str | None], ["\0"], "params.a[0]:"),
    ],
    ids=case,
)
def test_text_that_postgresql_cannot_store_is_refused(hint: Any, value: Any, path: str) -> None:
    error = refusal(hint, value)
    assert type(error) is InvalidText
    assert str(error).startswith(path)
    assert str(error).isprintable()


def test_naive_datetimes_are_refused_with_the_reason() -> None:
    error = refusal(datetime, datetime(2026, 1, 1))
    assert type(error) is InvalidArguments
    assert "aware" in str(error)
    assert "USE_TZ" in str(error)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("hint", [Any, list[Any], list])
def test_depth_counts_from_the_arguments_object(hint: Any, settings: Any) -> None:
    settings.DJANGO_JOBS = {"PAYLOAD_MAX_DEPTH": 5}
    schema_of(hint).bind((), {"a": nested(4)})
    error = refusal(hint, nested(5))
    assert type(error) is PayloadTooDeep
    assert "params.a[0][0][0][0]:" in str(error)


def node(levels: int) -> Node:
    return Node(child=node(levels - 1)) if levels else Node()


def test_deep_typed_values_are_refused_too() -> None:
    schema_of(Node).bind((), {"a": node(48)})
    assert type(refusal(Node, node(60))) is PayloadTooDeep
    assert type(refusal(Any, nested(900))) is PayloadTooDeep


def test_very_deep_values_do_not_exhaust_the_stack() -> None:
    assert type(refusal(Any, nested(50_000))) is PayloadTooDeep
    assert type(refusal(list[Any] | dict[str, Any], nested(50_000))) is PayloadTooDeep


def test_an_exhausted_stack_is_the_same_clear_error(settings: Any) -> None:
    settings.DJANGO_JOBS = {"PAYLOAD_MAX_DEPTH": 200}
    schema = schema_of(Any)
    schema.bind((), {"a": 1})
    raised: list[BaseException] = []

    def descend() -> None:
        try:
            descend()
        except RecursionError:
            pass
        else:
            return
        try:
            schema.bind((), {"a": nested(150)})
        except JobsError as error:
            raised.append(error)
        except RecursionError:  # not even the call itself fitted; the next frame up tries again
            raise

    descend()
    assert {type(error) for error in raised} <= {PayloadTooDeep}


def circular_list() -> list[Any]:
    value: list[Any] = [1]
    value.append({"k": value})
    return value


def circular_node() -> Node:
    value = Node("a", Node("b"))
    assert value.child is not None
    value.child.child = value
    return value


@pytest.mark.parametrize(
    ("hint", "value", "inner", "outer"),
    [
        (Any, circular_list(), "params.a[1]['k']:", "(see params.a)"),
        (dict[str, Any], {"x": circular_list()}, "params.a['x'][1]['k']:", "(see params.a['x'])"),
        (Node, circular_node(), "params.a.child.child:", "(see params.a)"),
    ],
    ids=case,
)
def test_circular_values_are_named(hint: Any, value: Any, inner: str, outer: str) -> None:
    error = refusal(hint, value)
    assert type(error) is NotSerializable
    assert str(error).startswith(inner)
    assert "circular" in str(error)
    assert str(error).endswith(outer)


def test_too_large_names_both_sizes(settings: Any) -> None:
    settings.DJANGO_JOBS = {"PAYLOAD_MAX_BYTES": 1024}
    schema = schema_of(str)
    schema.bind((), {"a": "x" * (1024 - len('{"a":""}'))})
    error = refusal(str, "x" * 1017)
    assert type(error) is PayloadTooLarge
    assert str(error) == "params: 1,025 bytes of JSON, but PAYLOAD_MAX_BYTES allows 1,024 bytes"
    assert type(refusal(str, "ü" * 600)) is PayloadTooLarge  # bytes count, not characters


def test_constructors_that_refuse_are_named_without_their_message() -> None:
    with pytest.raises(InvalidArguments) as caught:
        schema_of(Picky).decode({"a": {"size": -1}})
    assert "params.a: Picky refused its fields: ValueError" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)  # developers see the rest


@pytest.mark.parametrize(
    ("hint", "stored", "message"),
    [
        (int, "5", "params.a: expected int, got str"),
        (float, "5", "params.a: expected float, got str"),
        (float, 10**400, "params.a: an integer too large for a float"),
        (bool, 1, "params.a: expected bool, got int"),
        (None, 1, "params.a: expected None, got int"),
        (str, None, "params.a: expected str, got None"),
        (datetime, 5, "params.a: expected datetime text, got int"),
        (datetime, "soon", "params.a: not an ISO 8601 datetime"),
        (datetime, "2026-01-01T00:00:00", "params.a: expected a datetime with an offset"),
        (datetime, "2026-01-01T00:00:00+00:00[Mars/X]", "params.a: not an ISO 8601 datetime"),
        (datetime, "2026-01-01T00:00:00+00:00[../../etc/passwd]", "params.a: not an ISO 8601"),
        (date, "2026-13-01", "params.a: not an ISO 8601 date"),
        (time, "25:00", "params.a: not an ISO 8601 time"),
        (timedelta, "soon", "params.a: not an ISO 8601 duration"),
        (timedelta, "P9999999999D", "params.a: not an ISO 8601 duration"),
        (UUID, "x", "params.a: not a UUID"),
        (Decimal, "x", "params.a: not a decimal number"),
        (Decimal, "NaN", "params.a: not a finite decimal number"),
        (list[int], {"0": 1}, "params.a: expected list[int] as a list, got dict"),
        (list[int], [1, "x"], "params.a[1]: expected int, got str"),
        (tuple[int, int], [1], "params.a: expected tuple[int, int] with 2 items, got 1 items"),
        (tuple[int, int], [1, "x"], "params.a[1]: expected int, got str"),
        (tuple[int, int], 5, "params.a: expected tuple[int, int] as a list, got int"),
        (set[Any], [[1]], "params.a: an item of set[JSON] is not hashable"),
        (dict[int, int], {"01": 1}, "params.a['01']: expected a key of type int"),
        (dict[int, int], {"x": 1}, "params.a['x']: expected a key of type int"),
        (dict[int, int], [1], "params.a: expected dict[int, int], got list"),
        (Color, "green", "params.a: not a value of Color"),
        (enum.Flag("F", "A"), "A", "params.a: expected F number, got str"),
        (enum.Flag("F", "A"), 64, "params.a: not a value of F"),
        (Literal["a"], "b", "params.a: not one of Literal['a']"),
        (Literal["a"], ["b"], "params.a: not one of Literal['a']"),
        (Point, {}, "params.a: Point misses 'x'"),
        (Point, {"x": 1, "z": 2}, "params.a.z: Point has no such field"),
        (Point, [1], "params.a: expected Point as a dict, got list"),
        (Pair, {"left": 1}, "params.a: Pair misses 'right'"),
        (int | str, [], "params.a: expected int | str, got list"),
        (bytes, "x", "params.a: bytes has no JSON form"),
    ],
    ids=case,
)
def test_stored_values_that_no_longer_fit_are_named(hint: Any, stored: Any, message: str) -> None:
    with pytest.raises(InvalidArguments) as caught:
        schema_of(hint).decode({"a": stored})
    assert str(caught.value).startswith(message)
    assert "no longer fits sample(a: " in str(caught.value)


def test_stored_values_may_miss_fields_that_have_a_default_now() -> None:
    assert schema_of(Point).decode({"a": {"x": 1}}) == ((), {"a": Point(1)})


def test_deep_stored_values_do_not_exhaust_the_stack() -> None:
    stored: dict[str, Any] = {}
    for _ in range(50_000):
        stored = {"child": stored}
    with pytest.raises(InvalidArguments, match="call stack"):
        schema_of(Node).decode({"a": stored})


def result_schema(hint: Any) -> ResultSchema:
    def sample():
        raise AssertionError("never called")

    sample.__annotations__ = {"return": hint}
    return ResultSchema.of(sample)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (int, SECRET, "result: expected int, got str"),
        (list[Point], [Point(1), None], "result[1]: expected Point, got None"),
        (Any, [{1}], "result[0]: set has no exact JSON form"),
        (None, (1, 2), "result: tuple has no exact JSON form; annotate it as a tuple"),
        (str, "\0", "result: the text holds a NUL"),
        (Any, circular_list(), "result[1]['k']: circular reference"),
        (float, float("nan"), "result: NaN"),
    ],
    ids=case,
)
def test_results_that_do_not_fit_are_named(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(ResultNotSerializable) as caught:
        result_schema(hint).encode(value)
    assert str(caught.value).startswith(message)
    assert SECRET not in str(caught.value)


def test_results_have_their_own_limits(settings: Any) -> None:
    settings.DJANGO_JOBS = {"RESULT_MAX_BYTES": 1024, "PAYLOAD_MAX_DEPTH": 2}
    with pytest.raises(PayloadTooLarge, match=r"result: 1,102 bytes .* RESULT_MAX_BYTES"):
        result_schema(str).encode("x" * 1100)
    with pytest.raises(PayloadTooDeep, match=r"result\[0\]\[0\]: "):
        result_schema(Any).encode(nested(3))
    assert result_schema(Any).encode(nested(2)) == [[1]]


@pytest.mark.parametrize("hint", [None, type(None)])
def test_plain_json_is_accepted_where_none_is_declared(hint: Any) -> None:
    schema = result_schema(hint)
    assert schema.decode(schema.encode({"rows": 5})) == {"rows": 5}
    assert schema.encode(None) is None


def test_stored_results_that_no_longer_fit_are_named() -> None:
    with pytest.raises(ResultNotSerializable, match="result: expected int, got str; the stored"):
        result_schema(int).decode("x")


def test_an_unsupported_hint_does_no_harm_until_it_is_used() -> None:
    def sample(a: int, session: threading.Thread | None = None, kind: Any = namedtuple):
        raise AssertionError("never called")

    schema = ParamsSchema.of(sample, skip_first=False)
    assert schema.bind((5,), {}) == {"a": 5}
    assert schema.bind((5,), {"session": None}) == {"a": 5, "session": None}
    with pytest.raises(NotSerializable, match=r"params\.session: Thread has no JSON form"):
        schema.bind((5,), {"session": threading.current_thread()})


def test_fixed_offsets_are_no_problem() -> None:
    far = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert schema_of(datetime).bind((), {"a": far}) == {"a": "2026-01-01T00:00:00+14:00"}
