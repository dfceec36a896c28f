"""Recording what happened never fails, whatever happened; refusing is exact."""

from __future__ import annotations

import enum
import json
import sys
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_jobs.exceptions import PayloadTooLarge
from django_jobs.validation import (
    check_size,
    clean_json,
    clean_text,
    describe_exception,
    format_traceback,
    size_of,
    text_problem,
)

ANY_TEXT = st.text(st.characters(categories=["Cs", "Cc", "L", "N"]))
COMMON = settings(max_examples=100, deadline=None, derandomize=True)


class Hostile(Exception):
    """Raises wherever it is looked at."""

    def __str__(self) -> str:
        raise RuntimeError("str")

    __repr__ = __str__


class Liar(str):
    """A text whose methods do not return texts."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> NoReturn:
        raise RuntimeError("getitem")

    def __str__(self) -> str:
        return self


class Endless:
    def __repr__(self) -> str:
        return repr([self])


class Color(enum.Enum):
    RED = "red"


def is_storable(text: str) -> bool:
    return text_problem(text) is None


@pytest.mark.parametrize(
    ("given_text", "limit", "expected"),
    [
        ("plain", 100, "plain"),
        ("grüße 🎉", 100, "grüße 🎉"),
        ("a\0b", 100, "a\\x00b"),
        ("a\udce9b", 100, "a\\udce9b"),
        ("x" * 10, 10, "x" * 10),
        ("x" * 11, 10, "x" * 9 + "…"),
        ("\0\0\0", 6, "\\x00\\…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("", 0, ""),
        ("abc", -5, ""),
        (5, 10, "5"),
        (None, 10, "None"),
        (Hostile(), 100, "<unprintable>"),
        (Hostile(), 5, "<unp…"),
        (Liar("abc"), 100, "abc"),
    ],
)
def test_any_text_becomes_storable(given_text: object, limit: int, expected: str) -> None:
    cleaned = clean_text(given_text, limit)
    assert cleaned == expected
    assert type(cleaned) is str


@COMMON
@given(ANY_TEXT, st.integers(0, 30))
def test_clean_text_holds_its_limit(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert is_storable(cleaned)
    if is_storable(text) and len(text) <= limit:
        assert cleaned == text


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (ValueError("message"), "ValueError: message"),
        (ValueError(), "ValueError"),
        (KeyError("name"), "KeyError: 'name'"),
        (ValueError("two\n\n  lines\t"), "ValueError: two lines"),
        (ValueError("a\0b\udce9"), "ValueError: a\\x00b\\udce9"),
        (Hostile(), "Hostile: <unprintable>"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (ExceptionGroup("x", [ValueError(), OSError()]), "ExceptionGroup: x (2 sub-exceptions)"),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_an_exception_is_described_in_one_line(exception: BaseException, expected: str) -> None:
    assert describe_exception(exception) == expected


def test_long_messages_are_cut() -> None:
    assert describe_exception(ValueError("x" * 5000)) == "ValueError: " + "x" * 987 + "…"


def raised(exception: BaseException) -> BaseException:
    secret = "hunter2"
    try:
        if secret:
            raise exception
    except BaseException as caught:  # noqa: BLE001 - that is what is asked for
        return caught
    raise AssertionError("nothing was raised")


def test_a_traceback_names_the_line_and_no_local_variable() -> None:
    text = format_traceback(raised(ValueError("message")))
    assert text.startswith("Traceback (most recent call last):")
    assert "in raised" in text
    assert text.rstrip().endswith("ValueError: message")
    assert "hunter2" not in text


def chained() -> BaseException:
    first, second = raised(ValueError("first")), raised(OSError("second"))
    first.__cause__, second.__cause__ = second, first
    return first


def recursing() -> BaseException:
    def descend(depth: int) -> int:
        return ascend(depth) + 1

    def ascend(depth: int) -> int:
        return descend(depth) + 1

    try:
        descend(0)
    except RecursionError as caught:
        return caught
    raise AssertionError("nothing was raised")


def nested_group(levels: int) -> BaseException:
    error: Exception = ValueError("innermost")
    for _ in range(levels):
        error = ExceptionGroup("group", [error] * 20)
    return raised(error)


@pytest.mark.parametrize(
    ("exception", "word"),
    [
        (chained(), "first"),
        (recursing(), "RecursionError"),
        (nested_group(3), "ExceptionGroup"),
        (nested_group(30), "ExceptionGroup"),
        (raised(Hostile()), "Hostile"),
        (raised(ValueError("a\0b\udce9")), "a\\x00b\\udce9"),
        (raised(SyntaxError("bad", ("file\0", 1, 1, "text\udcff", 1, 2))), "SyntaxError"),
        (ValueError("never raised"), "never raised"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_any_traceback_can_be_stored(exception: BaseException, word: str) -> None:
    text = format_traceback(exception)
    assert word in text
    assert is_storable(text)
    assert len(text) <= 64 * 1024


def test_the_middle_of_a_long_traceback_is_left_out() -> None:
    text = format_traceback(raised(ValueError("x" * 1_000_000 + "the end")), limit=1000)
    assert len(text) <= 1000
    assert text.startswith("Traceback (most recent call last):")
    assert "characters left out" in text
    assert text.rstrip().endswith("the end")


@COMMON
@given(ANY_TEXT, st.integers(0, 300))
def test_format_traceback_holds_its_limit(message: str, limit: int) -> None:
    text = format_traceback(raised(ValueError(message * 20)), limit)
    assert len(text) <= limit
    assert is_storable(text)


class HostileFormatting(Exception):
    @property
    def __notes__(self) -> NoReturn:
        raise RuntimeError("notes")

    @property
    def __cause__(self) -> NoReturn:
        raise RuntimeError("cause")


def test_exceptions_that_break_the_formatter_are_described() -> None:
    assert "HostileFormatting: message" in format_traceback(raised(HostileFormatting("message")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (1.5, 1.5),
        ("x", "x"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (10**5000, "<integer of 16,610 bits>"),
        ("a\0b\udce9", "a\\x00b\\udce9"),
        ({"k\0": (1, {2})}, {"k\\x00": [1, [2]]}),
        ({1: "a", None: "b", (1, 2): "c"}, {"1": "a", "None": "b", "(1, 2)": "c"}),
        (Color.RED, "red"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (timedelta(seconds=90), "0:01:30"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("NaN"), "NaN"),
        (PurePosixPath("a/b"), "a/b"),
        (b"\xff", "b'\\xff'"),
        (MappingProxyType({"a": 1}), "mappingproxy({'a': 1})"),
        (Hostile(), "<unprintable>"),
        ({"k": Hostile()}, {"k": "<unprintable>"}),
        ({Hostile(): 1}, {"<unprintable>": 1}),
        (Endless(), "<unprintable>"),
        ([1, [2, [3]]], [1, [2, [3]]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_log_data_becomes_json(value: Any, expected: Any) -> None:
    cleaned = clean_json(value)
    assert cleaned == expected
    assert type(cleaned) is type(expected)
    json.dumps(cleaned, allow_nan=False).encode()


def test_deep_and_circular_log_data_is_cut() -> None:
    circular: dict[str, Any] = {"name": "x"}
    circular["self"] = circular
    cleaned = clean_json({"deep": circular})
    assert cleaned["deep"]["self"]["name"] == "x"
    assert json.dumps(cleaned).count("name") < 20
    assert "…" in json.dumps(cleaned, ensure_ascii=False)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert len(json.dumps(clean_json(deep))) < 100


@pytest.mark.parametrize(
    "value",
    [
        {"text": "x" * 10_000_000},
        {f"key {i}": "x" * 100 for i in range(100_000)},
        {"k" * 10_000_000: 1},
        list(range(1_000_000)),
        [["x"] * 1000] * 1000,
        {"ü" * 300 + str(i): "ü" * 5000 for i in range(100)},
    ],
    ids=lambda value: type(value).__name__,
)
def test_large_log_data_is_cut(value: Any) -> None:
    cleaned = clean_json(value)
    assert type(cleaned) is type(value)
    assert 10 < size_of(cleaned) < 64 * 1024


@COMMON
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(),
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner)
            | st.dictionaries(ANY_TEXT | st.integers() | st.none(), inner)
        ),
    )
)
def test_any_log_data_is_storable(value: Any) -> None:
    text = json.dumps(clean_json(value), allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text.replace("\\\\", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", None),
        ("grüße 🎉\n\x01", None),
        ("\0", "holds a NUL character"),
        ("ü\ud800", "holds a lone surrogate"),
    ],
)
def test_text_problems(text: str, problem: str | None) -> None:
    assert text_problem(text) == problem


@pytest.mark.parametrize("value", [{"a": "ü🎉"}, [], "x", None, [1.5, True, {"k": None}]])
def test_sizes_are_bytes_of_utf8(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert size_of(value) == len(text.encode())


def test_a_limit_is_reached_exactly() -> None:
    check_size("x" * 8, 10, "params", "PAYLOAD_MAX_BYTES")
    with pytest.raises(PayloadTooLarge, match=r"params: 11 bytes .* PAYLOAD_MAX_BYTES allows 10"):
        check_size("x" * 9, 10, "params", "PAYLOAD_MAX_BYTES")


def test_nothing_is_lost_when_the_stack_is_nearly_used_up() -> None:
    texts: list[str] = []

    def descend() -> None:
        texts.append(clean_text("a\0b", 100))
        descend()

    with pytest.raises(RecursionError):
        descend()
    assert len(texts) > sys.getrecursionlimit() // 4
    assert set(texts[:-3]) == {"a\\x00b"}
