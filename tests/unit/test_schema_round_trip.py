"""What went in comes out equal and of the same types."""

from __future__ import annotations

import collections
import enum
import json
import sys
import typing
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    Required,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db.models import IntegerChoices, TextChoices
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from typing_extensions import TypeAliasType

from django_jobs.schema import ParamsSchema, ResultSchema
from django_jobs.schema.sameness import same

T = TypeVar("T")
UserId = NewType("UserId", int)
Numbers: typing.TypeAlias = list[int]
Tree = TypeAliasType("Tree", "int | list[Tree]")
ID = UUID("0190e5a4-7a3c-7cc0-8000-000000000001")
BERLIN = ZoneInfo("Europe/Berlin")
FAR = timezone(timedelta(hours=-3, minutes=-30, seconds=-15))


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Mixed(enum.Enum):
    TEXT = "1"
    NUMBER = 1
    WIDE = 1e20
    PAIR = (1, "x")
    NOTHING = None
    DAY = date(2026, 1, 2)


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mode(enum.StrEnum):
    FAST = enum.auto()


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class State(TextChoices):
    OPEN = "open", "Open"


class Size(IntegerChoices):
    SMALL = 1, "Small"


@dataclass
class Point:
    x: int
    y: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    at: datetime
    points: list[Point]
    by_id: dict[UUID, Point | None] = field(default_factory=dict)


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)
    parent: Optional[Node] = None  # noqa: UP045 - a hint that holds a text


@dataclass
class Circle:
    radius: float
    area: float = field(init=False)

    def __post_init__(self) -> None:
        self.area = 3 * self.radius**2


@dataclass(eq=False)
class Token:
    text: str


@dataclass
class Box(Generic[T]):
    content: T
    more: list[T]


class Pair(NamedTuple):
    left: UUID
    right: int = 7


Loose = collections.namedtuple("Loose", ["a", "b"], defaults=[2])


class Movie(TypedDict):
    title: str
    year: NotRequired[date]


class Options(TypedDict, total=False):
    name: Required[Annotated[str, "shown"]]
    size: int


def schema_of(hint: Any) -> ParamsSchema:
    def sample(value):
        raise AssertionError("never called")

    sample.__annotations__ = {"value": hint}
    return ParamsSchema.of(sample, skip_first=False)


def through_json(hint: Any, value: Any) -> Any:
    schema = schema_of(hint)
    text = json.dumps(schema.bind((), {"value": value}), allow_nan=False)
    args, kwargs = schema.decode(json.loads(text))
    assert args == ()
    return kwargs["value"]


SCALARS = [
    (str, "grüße 🎉 \u202e </pre>"),
    (str, ""),
    (int, 0),
    (int, -(2**63) - 1),
    (int, 10**3999),
    (float, 0.1),
    (float, 1e22),
    (float, 1.7976931348623157e308),
    (float, 5e-324),
    (bool, False),
    (None, None),
    (type(None), None),
    (Any, None),
    (object, {"a": [1, 1.5, True, None, "x"]}),
    (Any, 9_999_999_999_999_998.0),
    (UserId, 5),
    (Annotated[int, {"unhashable": []}], 5),
    (T, [1]),
]

MOMENTS = [
    (datetime, datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
    (datetime, datetime(1, 1, 1, tzinfo=UTC)),
    (datetime, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    (datetime, datetime(2026, 1, 2, tzinfo=FAR)),
    (datetime, datetime(2026, 7, 1, 12, tzinfo=BERLIN)),
    (datetime, datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)),
    (datetime, datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)),
    (datetime, datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN)),
    (datetime, datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN, fold=1)),
    (date, date(2026, 2, 28)),
    (time, time(23, 59, 59, 999999)),
    (time, time(1, 2, tzinfo=FAR)),
    (timedelta, timedelta(days=-1, microseconds=1)),
    (timedelta, timedelta.max),
    (timedelta, timedelta.min),
    (timedelta, timedelta(0)),
]

TEXTS = [
    (UUID, ID),
    (Decimal, Decimal("1.10")),
    (Decimal, Decimal("-0E-30")),
    (Decimal, Decimal("1E+400")),
    (Path, Path("/tmp/x y/ü")),
    (PurePath, PurePath("a/b")),
    (PurePosixPath, PurePosixPath("a/b")),
    (PureWindowsPath, PureWindowsPath("C:\\a")),
]

CONTAINERS = [
    (list, [1, [2, "x"], {"a": None}]),
    (list[int], []),
    (list[list[UUID]], [[ID], []]),
    (typing.List[int], [1]),  # noqa: UP006 - the old spelling works too
    (Numbers, [1, 2]),
    (Sequence[date], [date(2026, 1, 1)]),
    (Iterable[int], [1]),
    (tuple, (1, "x")),
    (tuple[int, ...], (1, 2, 3)),
    (tuple[int, str], (1, "x")),
    (tuple[()], ()),
    (tuple[tuple[int, UUID], ...], ((1, ID),)),
    (set[int], {3, 1, 2}),
    (set, {"b", 1}),
    (set, {None}),  # alone: its hash, and so the test's name, differs between processes
    (AbstractSet[Color], {Color.RED}),
    (frozenset[tuple[int, str]], frozenset({(1, "a"), (2, "b")})),
    (dict, {"a": 1}),
    (dict[str, int], {"": 1, "1": 2}),
    (dict[Any, Any], {"a": 1}),
    (dict[int, str], {1: "a", -5: "b", 10**30: "c"}),
    (dict[bool, int], {True: 1, False: 0}),
    (dict[float, int], {0.1: 1, 1e22: 2, 2.0: 3}),
    (dict[UUID, list[Decimal]], {ID: [Decimal("0.10")]}),
    (dict[date, int], {date(2026, 1, 1): 1}),
    (dict[datetime, int], {datetime(2026, 1, 1, tzinfo=UTC): 1}),
    (dict[Color, int], {Color.RED: 1}),
    (dict[Level, int], {Level.HIGH: 1}),
    (dict[Literal[1, "1"], int], {1: 1, "1": 2}),
    (Mapping[str, int], {"a": 1}),
    (MutableMapping[str, Any], {"a": [1]}),
]

CHOICES = [
    (Color, Color.RED),
    (Level, Level.LOW),
    (Mode, Mode.FAST),
    (State, State.OPEN),
    (Size, Size.SMALL),
    (Access, Access.READ | Access.WRITE),
    (Literal["a", 1, True, None, Color.RED], Color.RED),
    (Literal["a", 1, True], 1),
    (Literal["a", 1, True], True),
    (Literal["a", None], None),
    *((Mixed, member) for member in Mixed),
]

RECORDS = [
    (Point, Point(1)),
    (Report, Report(at=datetime(2026, 1, 1, tzinfo=UTC), points=[Point(1, 2.5)], by_id={ID: None})),
    (Node, Node("a", [Node("b"), Node("c", parent=Node("d"))])),
    (Circle, Circle(2.0)),
    (Box[UUID], Box(ID, [ID])),
    (Box[Box[date]], Box(Box(date(2026, 1, 1), []), [])),
    (Pair, Pair(ID)),
    (Loose, Loose("x")),
    (Movie, {"title": "x"}),
    (Movie, {"title": "x", "year": date(1999, 1, 1)}),
    (Options, {"name": "x"}),
]

UNIONS = [
    (Optional[int], None),  # noqa: UP045
    (int | None, 5),
    (Color | None, Color.RED),
    (Union[int, str], "5"),  # noqa: UP007
    (int | str, 5),
    (float | int, 5),
    (int | float, 5.0),
    (float | int, 1e300),
    (int | bool, True),
    (bool | int, 1),
    (datetime | str, "2026-01-01"),
    (datetime | str, "2026-01-01T00:00:00Z"),
    (datetime | date, date(2026, 1, 1)),
    (date | datetime, datetime(2026, 1, 1, tzinfo=UTC)),
    (UUID | str, "{0190e5a4-7a3c-7cc0-8000-000000000001}"),
    (UUID | str, ID),
    (list[float] | list[int], [1, 2]),
    (list[int] | dict[str, int] | None, {"a": 1}),
    (Point | Movie | None, {"title": "x"}),
    (list[int | str | None], [1, "1", None]),
    (Tree, [1, [2, [3]]]),
    (str | Token | int, 5),
]


@pytest.mark.parametrize(
    ("hint", "value"),
    [*SCALARS, *MOMENTS, *TEXTS, *CONTAINERS, *CHOICES, *RECORDS, *UNIONS],
    ids=lambda value: repr(value)[:60].encode("ascii", "backslashreplace").decode(),
)
def test_comes_out_equal_and_of_the_same_types(hint: Any, value: Any) -> None:
    assert same(through_json(hint, value), value)


@pytest.mark.parametrize(("hint", "value"), [*MOMENTS, *TEXTS, *CONTAINERS, *RECORDS])
def test_results_come_out_equal_too(hint: Any, value: Any) -> None:
    def sample():
        raise AssertionError("never called")

    sample.__annotations__ = {"return": hint}
    schema = ResultSchema.of(sample)
    assert same(schema.decode(json.loads(json.dumps(schema.encode(value)))), value)


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (float, 5, 5.0),
        (float, True.__int__(), 1.0),
        (str, State.OPEN, "open"),
        (str, mark_safe("<b>"), "<b>"),
        (int, Level.HIGH, 2),
        (int | str, State.OPEN, "open"),
        (str | None, State.OPEN, "open"),
        (Literal["open", "shut"], State.OPEN, "open"),
        (dict[str, int], collections.Counter("aab"), {"a": 2, "b": 1}),
        (dict[str, list[int]], collections.defaultdict(list, a=[1]), {"a": [1]}),
    ],
)
def test_subclasses_become_the_declared_type(hint: Any, value: Any, expected: Any) -> None:
    assert same(through_json(hint, value), expected)
    assert expected == value


def test_objects_that_compare_by_identity_keep_their_fields() -> None:
    assert same(through_json(list[Token], [Token("a")]), [Token("a")])


def test_a_named_zone_is_kept() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    after = through_json(datetime, before)
    assert after.tzinfo is BERLIN
    assert (after + timedelta(days=1)).isoformat() == "2026-10-25T12:00:00+01:00"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        # Zone rules changed after the job was stored: the instant stays.
        ("2026-07-01T12:00:00+05:00[Europe/Berlin]", datetime(2026, 7, 1, 7, tzinfo=UTC)),
    ],
)
def test_other_spellings_of_a_datetime_are_read(stored: str, expected: datetime) -> None:
    assert schema_of(datetime).decode({"value": stored})[1]["value"] == expected


def test_naive_datetimes_are_fine_without_time_zone_support(settings: Any) -> None:
    settings.USE_TZ = False
    assert same(through_json(datetime, datetime(2026, 1, 2)), datetime(2026, 1, 2))


def test_what_is_stored_shares_nothing_with_the_arguments() -> None:
    given = {"a": [1, {"b": 2}]}
    stored = schema_of(Any).bind((), {"value": given})
    given["a"][1]["b"] = 3
    assert stored == {"value": {"a": [1, {"b": 2}]}}


def test_equal_sets_are_stored_alike() -> None:
    schema = schema_of(set[str])
    forward = schema.bind((), {"value": {f"k{i}" for i in range(50)}})
    backward = schema.bind((), {"value": {f"k{i}" for i in reversed(range(50))}})
    assert forward == backward


def test_lazy_objects_are_what_they_stand_for_by_type_only() -> None:
    # isinstance() sees through the proxy, so its text would be stored; the text is equal.
    assert through_json(UUID, SimpleLazyObject(lambda: ID)) == ID


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the type statement is new in 3.12")
def test_type_statements_and_type_parameters() -> None:
    names: dict[str, Any] = {}
    exec(  # the syntax must not reach Python 3.11
        "type Rows[X] = list[X]\n"
        "type Deep = int | list[Deep]\n"
        "def sample[Y](rows: Rows[int], deep: 'Deep', any: 'list[Y]'): ...\n",
        names,
    )
    schema = ParamsSchema.of(names["sample"], skip_first=False)
    given = {"rows": [1], "deep": [1, [2]], "any": ["x", 1]}
    assert schema.decode(schema.bind((), given)) == ((), given)
