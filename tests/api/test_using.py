"""``using()``: a bad value has its own error, writes nothing and breaks no transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
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
        [-1, -0.001, NAN, INFINITY, 1e12, HUGE, UNWRITABLE, "5", True, timedelta(days=-1), [1]],
    ),
    (
        "expires_at",
        InvalidSchedule,
        [datetime(2030, 1, 1), datetime(9999, 1, 1, tzinfo=UTC), "never", date(2030, 1, 1), 5],
    ),
    ("expires_at", InvalidOption, [ago(seconds=1), ago(days=30)]),
    ("priority", InvalidOption, [2**31, -(2**31) - 1, True, 1.5, "high", None, NAN, UNWRITABLE]),
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
        ],
    ),
    ("max_attempts", InvalidOption, [0, -1, 10**9, True, 1.5, "3", UNWRITABLE]),
    ("timeout", InvalidOption, [0, -1, INFINITY, NAN, 1e12, HUGE, True, "5", timedelta(0)]),
    ("unique_key", InvalidOption, [7, "", "x" * 201, b"k", ["k"]]),
    ("unique_key", InvalidText, ["a\0b", "\ud800"]),
    ("on_conflict", InvalidOption, ["ignore", None, 7]),
    ("correlation_id", InvalidOption, ["x" * 101, 7, None]),
    ("correlation_id", InvalidText, ["a\0b"]),
    ("tags", InvalidOption, ["word", ["x" * 51], [""], [7], ["x"] * 21, None, {"a": 1}]),
    ("tags", InvalidText, [["a\0"]]),
    ("persist", InvalidOption, [0, "no", None]),
    ("lease", InvalidOption, [0, -1, 86_401, NAN, "5", True]),
]
TABLE = [(option, error, value) for option, error, values in BAD for value in values]


def label(value: object) -> str:
    return "unwritable" if value is UNWRITABLE else ascii(value)[:30].replace("/", "|")


@pytest.mark.django_db
@pytest.mark.parametrize(("option", "error", "value"), TABLE, ids=label)
def test_a_bad_value(option: str, error: type[JobsError], value: Any) -> None:
    with transaction.atomic():
        with pytest.raises(error, match=option) as caught:
            jobs.add.using(**{option: value}).later(1)
        jobs.add.later(2)
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
        "two times",
        "expires before the delay is over",
        "expires before it is due",
        "two times, never expires",
    ],
)
def test_options_that_contradict_each_other(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        jobs.add.using(**options)


def test_contradictions_across_calls() -> None:
    with pytest.raises(InvalidOption):
        jobs.add.using(delay=60).using(scheduled_for=ahead(days=1))


@pytest.mark.parametrize("options", [{"colour": "red"}, {"backoff": "linear"}, {"retry_for": ()}])
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
def test_a_queue_that_is_not_configured(configure: Configure) -> None:
    configure(STRICT_QUEUES=True, QUEUES={"critical": 5, "default": 10})
    with pytest.raises(UnknownQueue, match="critical, default"):
        jobs.add.using(queue="reports")
    assert jobs.add.using(queue="critical").later(1).queue == "critical"
