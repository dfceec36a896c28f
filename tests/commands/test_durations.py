"""Spans of time on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from django_jobs.management.durations import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("1.5h", 5400),
        ("0s", 0),
        ("36500d", 3_153_600_000),
    ],
)
def test_a_number_with_a_unit_is_seconds(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "d", "-1d", "+1d", "1 d", "1w", "1D", "1e9s", "nan", "infd", ".5h", "5.h"),
        *("٣d", "36501d", "999999999d", "1" * 400 + "s", "30d\n", "1h30m"),
    ],
)
def test_everything_else_is_refused_with_the_allowed_form(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="such as 45s, 90m, 12h or 30d"):
        duration(text)
