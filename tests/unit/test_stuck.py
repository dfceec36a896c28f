"""When a process that was told to go is taken for deaf, and killed."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from django_jobs.runtime.pulse import Pulse
from django_jobs.runtime.stuck import DEAF, StuckJobs


@pytest.mark.parametrize(
    ("beat", "is_killed"),
    [(DEAF + 2.0, True), (DEAF + 0.5, False), (0.0, False)],
    ids=["before it was told", "once since then", "just now"],
)
def test_one_sign_of_life_after_it_was_told_is_enough(beat: float, is_killed: bool) -> None:
    """Who shuts down waits for the database longer than that, without another sign."""
    now = time.monotonic()
    pulse = Pulse(1)
    pulse._beat_at.value = now - beat
    killed: list[bool] = []
    child = SimpleNamespace(
        id=1,
        pulse=pulse,
        stuck=set(),
        retired_at=now - DEAF - 1.0,
        is_doomed=False,
        kill=lambda: killed.append(True),
    )
    StuckJobs("worker:one").look_at(child)
    assert bool(killed) == is_killed
