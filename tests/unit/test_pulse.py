"""The bytes in which a worker process shows what it runs, and until when it may."""

from __future__ import annotations

import time

import pytest

from django_jobs.ids import uuid7
from django_jobs.runtime.pulse import Pulse
from django_jobs.runtime.slots import Slots
from tests.scenes import Configure


def past() -> float:
    return time.monotonic() - 1


def test_it_shows_what_runs_and_what_should_have_ended() -> None:
    pulse = Pulse(4)
    unlimited, late, timely = uuid7(), uuid7(), uuid7()
    for slot, job in enumerate((unlimited, late, timely)):
        pulse.enter(slot, job)
    pulse.limit(1, past())
    pulse.limit(2, time.monotonic() + 60)
    assert pulse.running() == {unlimited, late, timely}
    assert pulse.overdue() == {late}


def test_what_has_ended_is_not_overdue_nor_is_what_follows_in_its_slot() -> None:
    pulse = Pulse(1)
    pulse.enter(0, uuid7())
    pulse.limit(0, past())
    pulse.lift_limit(0)
    pulse.leave(0)
    assert pulse.overdue() == pulse.running() == set()
    pulse.enter(0, uuid7())
    assert pulse.overdue() == set()


def test_a_job_that_ends_while_it_is_looked_at_is_not_blamed() -> None:
    pulse = Pulse(1)
    pulse.enter(0, uuid7())
    pulse.limit(0, past())
    seen = pulse._limits[0]
    pulse.lift_limit(0)
    pulse.leave(0)
    assert pulse._still_limited(0, seen) is None
    pulse.enter(0, uuid7())
    pulse.limit(0, past() - 1)
    assert pulse._still_limited(0, seen) is None


def test_the_hard_deadline_comes_after_the_soft_one(configure: Configure) -> None:
    configure(KILL_GRACE=0.1)
    pulse = Pulse(2)
    slots = Slots(0, 2, pulse)
    slots.enter(0, uuid7(), None)
    slots.enter(1, uuid7(), 5.0)
    assert pulse._limits[0] == 0
    assert pulse._limits[1] == pytest.approx(time.monotonic() + 5.1, abs=1)
    slots.leave(1, 0.1, 5.0)
    assert pulse._limits[1] == 0
