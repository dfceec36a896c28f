"""``using()``: a bad value has its own error, writes nothing and breaks no transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from django.db import transaction

from django_jobs.exceptions import (
    InvalidOption,
    InvalidQueueName,
    InvalidSchedule,
    InvalidText,
    JobsError,
    UnknownQueue,
)
from django_jobs.models import Job
from tests import jobs
from tests.factories import ago, ahead
from tests.scenes import Configure

NAN, INFINITY, HUGE = float("nan"), float("inf"), 10**400
#: Python refuses to write it in decimals.
UNWRITABLE = 10**5000
FAR_EAST, FAR_WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


class Queue(StrEnum):
    """Close to a text, but not the name that was meant."""

    WRONG = "no such name"


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no picture, please")


BAD: list[tuple[str, type[JobsError], list[Any]]] = [
    (
        "scheduled_for",
        InvalidSchedule,
        [
            datetime(2030, 1, 1),
            datetime(9999, 12, 31, 23, 59, tzinfo=FAR_WEST),
            datetime(1, 1, 1, tzinfo=FAR_EAST),
            ahead(days=5000),
            "tomorrow",
            date(2030, 1, 1),
            1_900_000_000,
            NAN,
        ],
    ),
    (
        "delay",
        InvalidSchedule,
        [
            -1,
            -0.001,
            NAN,
            INFINITY,
            1e12,
            HUGE,
            UNWRITABLE,
            "5",
            True,
            timedelta(days=-1),
            [1],
            timedelta.max,
            1j,
            "1e3",
            Decimal("1"),
            Unshowable(),
        ],
    ),
    (
        "expires_at",
        InvalidSchedule,
        [datetime(2030, 1, 1), datetime(9999, 1, 1, tzinfo=UTC), "never", date(2030, 1, 1), 5],
    ),
    ("expires_at", InvalidOption, [ago(seconds=1), ago(days=30)]),
    (
        "priority",
        InvalidOption,
        [
            2**31,
            -(2**31) - 1,
            True,
            1.5,
            0.0,
            -0.0,
            "high",
            "0",
            None,
            NAN,
            UNWRITABLE,
            Unshowable(),
        ],
    ),
    (
        "queue",
        InvalidQueueName,
        [
            "",
            "ab",
            "x" * 51,
            "x" * 200,
            "../x",
            "a b",
            "queue\n",
            "📮📮📮",
            "Ｄefault",
            None,
            7,
            b"abc",
            "dеfault",  # with a Cyrillic е
            "default\u200b",
            "default\u202e",
            "١٢٣",
            "%",
            "default;--",
            "x" * 10**6,
            Queue.WRONG,
            ["default"],
            Unshowable(),
        ],
    ),
    ("max_attempts", InvalidOption, [0, -1, 10**9, True, 1.5, "3", UNWRITABLE]),
    ("timeout", InvalidOption, [0, -1, INFINITY, NAN, 1e12, HUGE, True, "5", timedelta(0)]),
    ("unique_key", InvalidOption, [7, "", "x" * 201, b"k", ["k"], Unshowable()]),
    ("unique_key", InvalidText, ["a\0b", "\ud800", "\udfff" * 200]),
    ("on_conflict", InvalidOption, ["ignore", None, 7]),
    ("correlation_id", InvalidOption, ["x" * 101, 7, None]),
    ("correlation_id", InvalidText, ["a\0b"]),
    ("tags", InvalidOption, ["word", ["x" * 51], [""], [7], ["x"] * 21, None, {"a": 1}]),
    ("tags", InvalidOption, [iter(["x"]), (n for n in "ab"), {"a": "b"}.keys(), [["x"]], {None}]),
    ("tags", InvalidText, [["a\0"], ["\ud83d"]]),
    ("persist", InvalidOption, [0, "no", None]),
    ("lease", InvalidOption, [0, -1, 86_401, NAN, "5", True]),
]
#: Which line of the list is about which option.
NUMBERS = {
    "scheduled_for": "D17 D18",
    "delay": "D19",
    "expires_at": "D21",
    "priority": "D22",
    "queue": "D23",
    "max_attempts": "D25",
    "timeout": "D26",
    "unique_key": "D28",
}


def label(value: object) -> str:
    """The same in every process: without addresses."""
    if isinstance(value, Unshowable | Iterator) or value is UNWRITABLE:
        return type(value).__name__
    return ascii(value)[:30].replace("/", "|")


TABLE = [
    pytest.param(option, error, value, id=f"{NUMBERS.get(option, '')} {option} {label(value)}")
    for option, error, values in BAD
    for value in values
]


@pytest.mark.django_db
@pytest.mark.parametrize(("option", "error", "value"), TABLE)
def test_a_bad_value(option: str, error: type[JobsError], value: Any) -> None:
    with transaction.atomic():
        with pytest.raises(error, match=option) as caught:
            jobs.add.using(**{option: value}).later(1)
        jobs.add.later(2)
    # Of the transaction, what came afterwards.
    assert Job.objects.get().params == {"a": 2}
    assert type(caught.value) is error
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "options",
    [
        {"delay": 5, "scheduled_for": ahead(days=1)},
        {"delay": 60, "expires_at": ahead(seconds=30)},
        {"scheduled_for": ahead(days=2), "expires_at": ahead(days=1)},
        {"scheduled_for": ahead(days=2), "expires_at": None, "delay": 1},
    ],
    ids=[
        "D20 two times",
        "D21 expires before the delay is over",
        "D21 expires before it is due",
        "D20 two times, never expires",
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        jobs.add.using(**options)


def test_contradictions_across_calls() -> None:
    with pytest.raises(InvalidOption):
        jobs.add.using(delay=60).using(scheduled_for=ahead(days=1))


@pytest.mark.parametrize(
    "options",
    [{"colour": "red"}, {"backoff": "linear"}, {"retry_for": ()}],
    ids=["D36 none such", "D36 of the decorator", "D36 of the decorator, too"],
)
def test_an_unknown_option_lists_those_there_are(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"no option '\w+'.*queue, priority, delay"):
        jobs.add.using(**options)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("priority", 2**31 - 1),
        ("priority", -(2**31)),
        ("queue", "abc"),
        ("queue", "x" * 50),
        ("queue", "A-b_9"),
        ("max_attempts", 1_000_000),
        ("timeout", 0.001),
        ("unique_key", "ß📮" * 100),
        ("delay", 3650 * 86_400),
        ("scheduled_for", ahead(days=3650)),
        ("scheduled_for", datetime(2026, 11, 1, tzinfo=UTC)),
        ("correlation_id", ""),
        ("tags", ["x" * 50] * 20),
        ("tags", ()),
    ],
    ids=label,
)
@pytest.mark.django_db
def test_the_ends_of_the_ranges(option: str, value: Any) -> None:
    jobs.add.using(**{option: value}).later(1)
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_d24_a_queue_that_is_not_configured(configure: Configure) -> None:
    configure(STRICT_QUEUES=True, QUEUES={"critical": 5, "default": 10})
    with pytest.raises(UnknownQueue, match="critical, default"):
        jobs.add.using(queue="reports")
    assert jobs.add.using(queue="critical").later(1).queue == "critical"
