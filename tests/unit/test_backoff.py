from __future__ import annotations

import logging
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobs import backoff
from django_jobs.exceptions import InvalidOption


def delay(policy: Any, failures: int, *, uniform: float = 0.0, cap: float = 86_400.0) -> float:
    return backoff.delay_for(policy, failures, base=15, cap=cap, random=lambda: uniform)


@pytest.mark.parametrize(
    ("policy", "uniform", "expected"),
    [
        ("exponential", 0.0, [7.5, 15, 30, 60, 120]),
        ("exponential", 1.0, [15, 30, 60, 120, 240]),
        ("linear", 0.5, [15, 30, 45, 60, 75]),
        ("constant", 0.5, [15, 15, 15, 15, 15]),
        ("polynomial", 0.0, [16, 31, 96, 271, 640]),
        ("polynomial", 1.0, [26, 51, 126, 311, 690]),
        ([1, 10.5, timedelta(minutes=1)], 0.5, [1, 10.5, 60, 60, 60]),
        ((0,), 0.5, [0, 0, 0, 0, 0]),
        (lambda failures, _: failures * 2, 0.5, [2, 4, 6, 8, 10]),
        (lambda failures, _: timedelta(minutes=failures), 0.5, [60, 120, 180, 240, 300]),
    ],
)
def test_each_policy_grows_in_its_own_way(
    policy: Any, uniform: float, expected: list[float]
) -> None:
    assert [delay(policy, failures, uniform=uniform) for failures in range(1, 6)] == expected


@pytest.mark.parametrize("policy", [*backoff.STRATEGIES, [10, 10**400], lambda *_: 10**400])
def test_no_delay_is_longer_than_the_cap(policy: Any) -> None:
    assert delay(policy, 10_000, cap=3600) == (15 if policy == "constant" else 3600)


@given(
    policy=st.sampled_from([*backoff.STRATEGIES, [5, 6], lambda *_: 3]),
    failures=st.integers() | st.sampled_from([10**30, -(10**30), 0]),
    uniform=st.floats(0, 1),
)
def test_any_number_of_failures_gives_a_delay_within_the_cap(
    policy: Any, failures: int, uniform: float
) -> None:
    seconds = delay(policy, failures, uniform=uniform)
    assert isinstance(seconds, float)
    assert math.isfinite(seconds)
    assert 0 <= seconds <= 86_400


def test_a_callable_sees_the_exception() -> None:
    seen: list[tuple[int, BaseException | None]] = []
    error = ValueError("x")
    backoff.delay_for(lambda *given: seen.append(given) or 1, 4, error)
    assert seen == [(4, error)]


def _broken(failures: int, exception: BaseException | None) -> float:
    raise RuntimeError("broken policy")


@pytest.mark.parametrize(
    "policy",
    [
        _broken,
        lambda *_: None,
        lambda *_: "5",
        lambda *_: True,
        lambda *_: -1,
        lambda *_: math.nan,
        lambda *_: math.inf,
        lambda: 1,
        "no such strategy",
        [],
        None,
    ],
)
def test_nonsense_gives_way_to_exponential_with_a_warning(
    policy: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="django_jobs.backoff"):
        assert delay(policy, 2, uniform=1.0) == 30
    assert "no usable delay" in caplog.text


@pytest.mark.parametrize(
    "policy", [*backoff.STRATEGIES, [1], [10**400], (0, 2.5), [timedelta(1)], lambda *_: 1]
)
def test_validate_accepts(policy: Any) -> None:
    backoff.validate(policy)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("quadratic", "'quadratic' is not a strategy; allowed are 'exponential', 'linear'"),
        ("", "is not a strategy"),
        ([], "1 to 1000 delays"),
        ([1] * 1001, "1 to 1000 delays"),
        ([1, "2"], "a number of seconds or a timedelta, not str"),
        ([True], "not bool"),
        ([-1], "0 or more"),
        ([math.nan], "finite"),
        ([math.inf], "finite"),
        (None, "a NoneType is no policy"),
        (5, "a int is no policy"),
        ({1: 2}, "a dict is no policy"),
    ],
)
def test_validate_refuses(policy: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        backoff.validate(policy)
