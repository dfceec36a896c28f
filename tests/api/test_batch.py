"""``batch()``: many calls here, some at a time, results in the order of the calls."""

from __future__ import annotations

from typing import Any

import pytest

from django_jobs.exceptions import InvalidArguments, InvalidOption
from django_jobs.models import Job
from tests import jobs
from tests.scenes import nothing_written, rolled_back

CALLS = [{"a": number} for number in range(7)]


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.django_db(transaction=True)
def test_results_in_the_order_of_the_calls(concurrency: int) -> None:
    results = jobs.add.batch(CALLS, concurrency=concurrency)
    assert [result.data for result in results] == [0, 1, 2, 3, 4, 5, 6]
    ids = [result.metadata.job_id for result in results]
    assert [Job.objects.get(pk=job_id).params for job_id in ids] == CALLS


@pytest.mark.django_db(transaction=True)
def test_as_many_at_a_time_as_asked_for() -> None:
    """Each of the six waits for two others, so fewer than three at a time would never end."""
    results = jobs.meet.batch([{"number": number} for number in range(6)], concurrency=3)
    assert [result.data for result in results] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.django_db(transaction=True)
def test_failures_are_results(concurrency: int) -> None:
    calls = [{"a": 1}, {"a": 0}, {"a": 4}]
    results = jobs.divide.batch(calls, concurrency=concurrency)
    assert [result.data for result in results] == [1.0, None, 0.25]
    assert [result.success for result in results] == [True, False, True]
    assert results[1].error == "ZeroDivisionError: division by zero"


@pytest.mark.django_db
def test_stop_on_error_starts_no_more() -> None:
    calls = [{"a": 1}, {"a": 0}, {"a": 4}, {"a": 5}]
    results = jobs.divide.batch(calls, concurrency=1, stop_on_error=True)
    statuses = [result.metadata.status for result in results]
    assert statuses == ["completed", "failed", "not_run", "not_run"]
    assert results[2].error is not None
    assert "not run" in results[2].error
    assert (results[2].metadata.job_id, results[2].metadata.persisted) == (None, False)
    assert Job.objects.count() == 2


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.django_db(transaction=True)
def test_unpersisted(concurrency: int) -> None:
    results = jobs.add.batch(CALLS, concurrency=concurrency, persist=False)
    assert [result.data for result in results] == [0, 1, 2, 3, 4, 5, 6]
    assert nothing_written()


@pytest.mark.django_db
def test_one_at_a_time_is_part_of_the_callers_transaction() -> None:
    with rolled_back():
        assert len(jobs.add.batch(CALLS, concurrency=1)) == 7
    assert nothing_written()


@pytest.mark.django_db
def test_no_calls() -> None:
    assert jobs.add.batch([]) == []


@pytest.mark.django_db
def test_bad_arguments_of_one_call_run_none() -> None:
    with pytest.raises(InvalidArguments, match="call 2"):
        jobs.add.batch([{"a": 1}, {"a": 2}, {"b": 3}])
    assert nothing_written()


@pytest.mark.parametrize("bad", [0, -1, 101, 1.5, "3", None, True])
@pytest.mark.django_db
def test_bad_concurrency(bad: Any) -> None:
    with pytest.raises(InvalidOption, match="concurrency"):
        jobs.add.batch(CALLS, concurrency=bad)
    assert nothing_written()
