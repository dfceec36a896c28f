"""Soft timeouts: threads and event loops are interrupted, and it counts as a failure."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_jobs.deadline import _Strike, deadline
from django_jobs.exceptions import JobTimeout
from django_jobs.execution import attempt_async
from django_jobs.models import Job
from django_jobs.reporting import Reporter
from tests import jobs
from tests.scenes import claim_one, last_transition, worked

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("job", [jobs.loop_for_ever, jobs.wait_for_ever], ids=["sync", "async"])
def test_a_job_that_runs_too_long_is_interrupted(job: Any) -> None:
    row = worked(job.using(timeout=0.05).later())
    assert (row.status, row.failure_count) == ("failed", 1)
    assert last_transition(row).reason == (
        "JobTimeout: The job ran longer than its timeout of 0.05 seconds."
    )


@pytest.mark.parametrize("job", [jobs.loop_for_ever, jobs.wait_for_ever], ids=["sync", "async"])
def test_now_is_interrupted_too(job: Any) -> None:
    result = job.using(timeout=0.05).now()
    assert (result.success, type(result.exception)) == (False, JobTimeout)
    assert result.metadata.duration < 20


def test_a_timeout_is_retried_like_any_failure() -> None:
    assert (
        worked(jobs.loop_for_ever.using(timeout=0.05, max_attempts=2).later()).status == "retrying"
    )


def test_in_an_event_loop_that_others_share() -> None:
    """One job waits for ever, the other one's work goes on."""
    jobs.wait_for_ever.using(timeout=0.05).later()
    jobs.add_async.later(1, 2)
    slow, quick = claim_one(), claim_one()

    async def both() -> Any:
        return await asyncio.gather(
            attempt_async(jobs.wait_for_ever, slow, Reporter(slow)),
            attempt_async(jobs.add_async, quick, Reporter(quick)),
        )

    late, done = async_to_sync(both)()
    assert (late.outcome.status, done.outcome.status) == ("failed", "completed")


@pytest.mark.parametrize("timeout", [None, 30])
def test_a_timeout_of_its_own_is_not_the_jobs(timeout: float | None) -> None:
    row = worked(jobs.catch_timeouts_of_its_own.using(timeout=timeout).later())
    assert last_transition(row).reason == "TimeoutError: of somebody else"


def test_a_job_in_time_is_left_alone() -> None:
    assert worked(jobs.add.using(timeout=30).later(1)).status == "completed"
    assert Job.objects.get().timeout == 30


# The tool itself


def test_a_deadline_strikes_the_block_and_nothing_after_it() -> None:
    for _ in range(20):
        with pytest.raises(JobTimeout), deadline(0.001):
            jobs.loop_for_ever()
    started = time.monotonic()
    for _ in range(200):
        with deadline(30):
            pass
    assert time.monotonic() - started < 20


def test_a_deadline_that_comes_at_the_very_end_is_called_back() -> None:
    """Whether it strikes or not, it never strikes outside of the block."""
    struck = 0
    for round_ in range(200):
        try:
            with deadline(0.0005):
                end = time.perf_counter() + 0.0003 + round_ * 0.000002
                while time.perf_counter() < end:
                    pass
        except JobTimeout:
            struck += 1
        sum(range(500))
    assert 0 <= struck <= 200


def test_a_strike_that_comes_after_the_block_is_none() -> None:
    strike = _Strike(threading.get_ident())
    strike.disarm()
    strike()
    assert sum(range(10_000)) > 0, "nothing is raised between these instructions"


def test_no_deadline() -> None:
    with deadline(None):
        pass
