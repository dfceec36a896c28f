"""Cron expressions in plain words."""

from __future__ import annotations

import pytest

from django_jobs.admin.cron.words import in_words


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("0 * * * *", "every hour"),
        ("7 * * * *", "every hour at minute 7"),
        ("@hourly", "every hour"),
        ("30 */6 * * *", "every 6 hours at minute 30"),
        ("0 */2 * * *", "every 2 hours"),
        ("30 9 * * 1-5", "every weekday at 09:30"),
        ("30 9 * * mon-fri", "every weekday at 09:30"),
        ("0 3 * * *", "every day at 03:00"),
        ("@daily", "every day at 00:00"),
        ("0 9,17 * * *", "every day at 09:00 and 17:00"),
        ("0 6 * * sat,sun", "every Saturday and Sunday at 06:00"),
        ("0 6 * * 0", "every Sunday at 06:00"),
        ("0 6 * * 7", "every Sunday at 06:00"),
        ("0 6 * * 5-7", "every Friday, Saturday and Sunday at 06:00"),
        ("0 6 * * 0-6", "every day at 06:00"),
        ("0 0 1 * *", "on day 1 of every month at 00:00"),
        ("0 0 24 dec *", "every year on December 24 at 00:00"),
    ],
)
def test_common_shapes_have_words(expression: str, words: str) -> None:
    assert in_words(expression) == words


@pytest.mark.parametrize(
    "expression",
    [
        "*/7 * * * *",  # the last step of an hour is a short one
        "0 */5 * * *",
        "0 9 1 * 1",  # either of them fires
        "h h * * *",
        "1-5 * * * *",
        "0 9-17 * * *",
        "0 6 * * 1-5/2",
        "0 6 1-7 * *",
        "nonsense",
        "61 * * * *",
        "",
    ],
)
def test_others_have_none_rather_than_wrong_ones(expression: str) -> None:
    assert in_words(expression) == ""
