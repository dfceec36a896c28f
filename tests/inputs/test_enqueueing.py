"""``later()`` and its kin: bad arguments, names and moments write nothing and break nothing."""

from __future__ import annotations

import math
from collections import OrderedDict, UserDict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.utils.safestring import mark_safe

from django_jobs import operations
from django_jobs.exceptions import (
    EnqueueUnavailable,
    InvalidArguments,
    InvalidOption,
    InvalidText,
    JobsError,
    NotSerializable,
    PayloadTooDeep,
    PayloadTooLarge,
    UnknownJob,
)
from django_jobs.models import Job
from django_jobs.registry import registry
from tests import jobs
from tests.factories import JobFactory
from tests.scenes import fresh, nothing_written

pytestmark = pytest.mark.django_db

SECRET = "4111-1111-CANARY"


class Level(IntEnum):
    HIGH = 1


class Colour(Enum):
    RED = SECRET


class Listed(list[int]):
    """A list with habits of its own."""


class Keyed(dict[str, int]):
    """A dict with habits of its own."""


class Worded(str):
    """A text that is more than its characters."""

    __slots__ = ("more",)


def circular() -> dict[str, Any]:
    value: dict[str, Any] = {"card": SECRET}
    value["self"] = [value]
    return value


def nested(depth: int) -> Any:
    value: Any = SECRET
    for _ in range(depth):
        value = [value]
    return value


def numbers() -> Iterator[int]:
    yield 1


VALUES = [
    ("D5 set", {"a": [0, 1, {SECRET}]}, NotSerializable, "params.value['a'][2]"),
    ("D5 bytes", SECRET.encode(), NotSerializable, "bytes"),
    ("D5 object", object(), NotSerializable, "object"),
    ("D6 model instance", Group(name=SECRET), NotSerializable, "pass its pk"),
    ("D6 queryset", Group.objects.filter(name=SECRET), NotSerializable, "list of pks"),
    ("D7 NaN", {SECRET[:4]: math.nan}, NotSerializable, "NaN"),
    ("D7 infinity", [math.inf], NotSerializable, "params.value[0]"),
    ("D7 minus infinity", -math.inf, NotSerializable, "Infinity"),
    ("D8 circular", circular(), NotSerializable, "circular"),
    ("D9 depth", nested(60), PayloadTooDeep, "PAYLOAD_MAX_DEPTH"),
    ("D9 depth beyond the stack", nested(100_000), PayloadTooDeep, "params.value"),
    ("D10 size", SECRET * 20_000, PayloadTooLarge, "262,144 bytes"),
    ("D11 NUL", f"{SECRET}\0", InvalidText, "NUL"),
    ("D11 NUL in a key", {"a\0": SECRET}, InvalidText, "NUL"),
    ("D12 surrogate", f"{SECRET}\ud800", InvalidText, "surrogate"),
    ("D12 surrogate in a key", {"\udc00": SECRET}, InvalidText, "surrogate"),
    ("D15 tuple", [(SECRET, 1)], NotSerializable, "annotate it as a tuple"),
    ("D16 Decimal", Decimal(1), NotSerializable, "annotate"),
    ("D16 datetime", datetime(2030, 1, 1, tzinfo=UTC), NotSerializable, "annotate"),
    ("D16 date", date(2030, 1, 1), NotSerializable, "annotate"),
    ("D16 UUID", UUID(int=1), NotSerializable, "annotate"),
    # Ours
    ("enum", Colour.RED, NotSerializable, "annotate"),
    ("integer enum", Level.HIGH, NotSerializable, "Level"),
    ("generator", numbers(), NotSerializable, "generator"),
    ("range", range(3), NotSerializable, "range"),
    ("dict view", {"a": 1}.keys(), NotSerializable, "dict_keys"),
    ("dict subclass", Keyed(a=1), NotSerializable, "Keyed"),
    ("ordered dict", OrderedDict(a=1), NotSerializable, "OrderedDict"),
    ("mapping that is no dict", UserDict(a=1), NotSerializable, "UserDict"),
    ("frozen mapping", MappingProxyType({"a": 1}), NotSerializable, "mappingproxy"),
    ("list subclass", Listed([1]), NotSerializable, "Listed"),
    ("text subclass", Worded(SECRET), NotSerializable, "Worded"),
    ("complex", 1j, NotSerializable, "complex"),
    ("integer of 5,000 digits", 10**5000, NotSerializable, "4,000 digits"),
    ("integer as key", {1: SECRET}, NotSerializable, "key"),
    ("bool as key", {True: SECRET}, NotSerializable, "key"),
    ("None as key", {None: SECRET}, NotSerializable, "key"),
    ("class", Group, NotSerializable, "ModelBase"),
    ("exception", ValueError(SECRET), NotSerializable, "ValueError"),
    ("job", jobs.add, NotSerializable, "JobDefinition"),
]


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [pytest.param(*case, id=name) for name, *case in VALUES],
)
def test_a_value(value: Any, error: type[JobsError], words: str) -> None:
    with transaction.atomic():
        for enqueue in (
            lambda: jobs.echo.later(value),
            lambda: jobs.echo.later_many([{"value": 1}, {"value": value}]),
        ):
            with pytest.raises(error) as caught:
                enqueue()
            message = str(caught.value)
            assert message.startswith(("params", "call 1: params"))
            assert words in message
            assert "CANARY" not in message
            assert len(message) < 500
            assert nothing_written()
        jobs.echo.later(7)
    assert Job.objects.get().params == {"value": 7}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (-0.0, -0.0),
        (mark_safe("<b>"), "<b>"),
        ("𝒹efault \u202e \x1b[31m {{7*7}}", "𝒹efault \u202e \x1b[31m {{7*7}}"),
        ("e\u0301", "e\u0301"),  # is not made é
        ({"": None}, {"": None}),
        ({"__proto__": 1, "$ne": None, "a.b": []}, {"__proto__": 1, "$ne": None, "a.b": []}),
        (2**63, 2**63),
    ],
    ids=["negative zero", "safe text", "odd text", "combining", "empty key", "odd keys", "2**63"],
)
def test_odd_values_that_are_good_stay_as_they_are(value: Any, stored: Any) -> None:
    if isinstance(value, str) and type(value) is not str:
        with pytest.raises(NotSerializable):
            jobs.echo.later(value)
        return
    assert fresh(jobs.echo.later(value)).params == {"value": stored}


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [((), {}), ((1, 2, 3), {}), ((1,), {"a": 2}), ((1,), {"self": 2}), ((1,), {"colour": SECRET})],
    ids=["D4 missing", "D4 too many", "D4 twice", "D4 unknown self", "D4 unknown"],
)
def test_arguments_that_do_not_fit(arguments: Any, keywords: Any) -> None:
    with pytest.raises(InvalidArguments) as caught:
        jobs.add.later(*arguments, **keywords)
    assert "CANARY" not in str(caught.value)
    assert nothing_written()


@pytest.mark.parametrize(
    "name",
    ["os.system", "tests.ADD", " tests.add", "tests.add\0", "tеsts.add", "x" * 10**6, None, 7, []],
    ids=["D1 D3 path", "case", "space", "NUL", "look-alike", "long", "None", "number", "list"],
)
def test_a_name_that_is_not_registered(name: Any) -> None:
    with pytest.raises(UnknownJob) as caught:
        registry.get(name)
    assert len(str(caught.value)) < 400
    assert name not in registry


# Many


def endless_or_broken() -> Iterator[dict[str, int]]:
    yield {"a": 1}
    raise RuntimeError("the generator broke")


@pytest.mark.parametrize(
    ("calls", "error"),
    [
        (endless_or_broken(), RuntimeError),
        ("ab", InvalidArguments),
        ({"a": 1}, InvalidArguments),
        ([{"a": 1}, {1: 2}], InvalidArguments),
        ([{"a": 1}, {"a": 1, "": 2}], InvalidArguments),
        (None, TypeError),
        (7, TypeError),
    ],
    ids=["broken generator", "text", "one dict", "key no text", "empty key", "None", "number"],
)
def test_calls_of_a_wrong_form(calls: Any, error: type[Exception]) -> None:
    with transaction.atomic():
        with pytest.raises(error):
            jobs.add.later_many(calls)
        assert nothing_written()
        jobs.add.later(1)
    assert Job.objects.count() == 1


def test_a_million_calls_with_a_bad_one_at_the_end_write_nothing() -> None:
    calls = ({"a": number if number < 200_000 else SECRET} for number in range(200_001))
    with pytest.raises(InvalidArguments, match="call 200000: ") as caught:
        jobs.add.later_many(calls)
    assert "CANARY" not in str(caught.value)
    assert nothing_written()


@pytest.mark.parametrize("concurrency", [0, -1, 101, True, 1.5, "3", None, 10**400])
def test_batch_takes_a_sane_number(concurrency: Any) -> None:
    with pytest.raises(InvalidOption, match="concurrency: a whole number from 1 to 100"):
        jobs.add.batch([{"a": 1}], concurrency=concurrency)
    assert nothing_written()


# The transaction around


def test_d32_in_a_broken_transaction_it_says_so() -> None:
    with transaction.atomic():
        _break_transaction()
        with pytest.raises(EnqueueUnavailable):
            jobs.add.later(1)
    assert nothing_written()


def _break_transaction() -> None:
    """As code does that catches an error of the database and goes on."""
    existing = Group.objects.create(name="twice")
    try:
        Group.objects.create(id=existing.id, name="again")
    except IntegrityError:
        assert connection.needs_rollback


def test_d28_keys_that_differ_only_by_case_are_two() -> None:
    first = jobs.add.using(unique_key="Report").later(1)
    second = jobs.add.using(unique_key="report").later(2)
    third = jobs.add.using(unique_key="report ").later(3)
    assert len({first.pk, second.pk, third.pk}) == 3
    assert not second.was_already_enqueued


# Operations


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no picture, please")


@pytest.mark.parametrize(
    "selection",
    [
        pytest.param(selection, id=name)
        for name, selection in {
            "number": "1",
            "empty": "",
            "wildcard": "%",
            "sql": "1;drop",
            "NUL": "\0",
            "int": 7,
            "None": None,
            "None in a list": [None],
            "int in a list": [7],
            "unshowable": Unshowable(),
            "unshowable in a list": [Unshowable()],
            "bytes": b"x" * 16,
        }.items()
    ],
)
@pytest.mark.parametrize("operation", ["retry", "cancel", "discard", "run_now"])
def test_an_operation_on_what_is_no_job(operation: str, selection: Any) -> None:
    job = JobFactory()
    with pytest.raises((InvalidOption, TypeError)) as caught:
        getattr(operations, operation)(selection)
    assert "job" in str(caught.value) or "iterable" in str(caught.value)
    assert fresh(job).status == "pending"


@pytest.mark.parametrize("name", ["", "a b", "%", "ｑueue", "x" * 51, None, 7, "a\0b"])
def test_a_queue_that_cannot_be(name: Any) -> None:
    for change in (operations.pause_queue, operations.resume_queue):
        with pytest.raises(InvalidOption, match="3 to 50 letters"):
            change(name)
