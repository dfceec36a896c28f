"""How a loop waits for the database: ever longer, out of step, with a line for each try."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import OperationalError

from django_jobs.runtime.patience import FIRST_PAUSE, LONGEST_PAUSE, Patience, pause_after


@pytest.mark.parametrize("tries", [1, 2, 5, 10, 1000, 10**9])
def test_pauses_grow_to_a_limit_and_half_of_them_is_certain(tries: int) -> None:
    full = min(FIRST_PAUSE * 2.0 ** min(tries - 1, 30), LONGEST_PAUSE)
    pauses = [pause_after(tries) for _ in range(50)]
    assert all(full / 2 <= pause <= full for pause in pauses)
    assert len(set(pauses)) > 1, "all workers would come back at once"


def test_a_short_lease_is_no_time_for_long_pauses(settings: Any) -> None:
    settings.DJANGO_JOBS = {"LEASE": 6}
    assert max(pause_after(100) for _ in range(50)) <= 1.0


def test_each_try_is_a_line_and_so_is_the_return(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "django_jobs")
    patience = Patience("Counting")
    patience.worked()
    assert not caplog.records

    pauses = [patience.failed(OperationalError("no\n route")) for _ in range(3)]
    assert patience.is_tried
    assert 0 < patience.seconds_left <= pauses[-1]
    patience.worked()
    patience.worked()

    lines = caplog.messages
    assert lines[0].startswith("Counting failed, next try in ")
    assert lines[0].endswith(" s: OperationalError: no route")
    assert lines[3].startswith("Counting works again after ")
    assert len(lines) == 4
    assert not patience.is_tried
    assert patience.seconds_left == 0


def test_after_success_the_pauses_are_short_again() -> None:
    patience = Patience("Counting")
    for _ in range(10):
        patience.failed(OperationalError("no"))
    patience.worked()
    assert patience.failed(OperationalError("no")) <= FIRST_PAUSE
