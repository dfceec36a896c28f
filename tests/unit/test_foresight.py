"""How far ahead a process claims: a window that opens and halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from django_jobs.runtime.foresight import FIRST, MOST, Foresight

SLOTS = 10


@dataclass
class Pool:
    """What a foresight sees of its pool."""

    duration: float | None = 0.000_01
    waiting: int = 0
    free_slots: int = SLOTS
    concurrency: int = SLOTS
    low: int = -1

    def expected_duration(self) -> float | None:
        return self.duration

    def ask_below(self, low: int) -> None:
        self.low = low


def foresight(**state: Any) -> tuple[Foresight, Pool]:
    pool = Pool(**state)
    return Foresight(cast("Any", pool)), pool


def after_full_claims(number: int, seeing: Foresight) -> int:
    for _ in range(number):
        room = seeing.room()
        seeing.claimed(room, room)
    return seeing.room()


@pytest.mark.parametrize("duration", [None, 0.6, 60.0])
def test_only_free_slots_are_filled_with_jobs_that_are_long_or_unknown(
    duration: float | None,
) -> None:
    seeing, _ = foresight(duration=duration)
    assert after_full_claims(3, seeing) == SLOTS


def test_at_most_half_a_second_of_work_is_claimed_ahead() -> None:
    seeing, _ = foresight(duration=0.1)
    assert after_full_claims(9, seeing) == SLOTS + 50


def test_it_opens_while_jobs_run_out_and_more_are_there() -> None:
    seeing, _ = foresight()
    assert seeing.room() == SLOTS + FIRST
    assert after_full_claims(1, seeing) == SLOTS + 2 * FIRST
    assert after_full_claims(9, seeing) == SLOTS + MOST


def test_it_stays_when_there_was_no_more_or_enough_was_left() -> None:
    seeing, pool = foresight()
    seeing.claimed(seeing.room(), 7)
    assert seeing.room() == SLOTS + FIRST
    pool.waiting = 5
    assert after_full_claims(5, seeing) == SLOTS + FIRST - 5


def test_it_halves_when_jobs_were_handed_back() -> None:
    seeing, _ = foresight()
    for expected in (FIRST // 2, FIRST // 4):
        seeing.handed_back()
        assert seeing.room() == SLOTS + expected
    for _ in range(20):
        seeing.handed_back()
    assert seeing.room() == SLOTS + 1


def test_more_is_fetched_when_half_is_used_up() -> None:
    seeing, pool = foresight(waiting=FIRST // 2 + 1, free_slots=0)
    assert seeing.room() == 0
    assert pool.low == FIRST // 2
    pool.waiting = FIRST // 2
    assert seeing.room() == FIRST // 2


def test_nothing_is_claimed_ahead_when_every_outcome_is_committed_alone(settings: Any) -> None:
    settings.DJANGO_JOBS = {"ACK": "each"}
    seeing, _ = foresight()
    assert after_full_claims(3, seeing) == SLOTS
