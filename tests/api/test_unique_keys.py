"""Unique keys: at most one live job has a key, whatever happens around it."""

from __future__ import annotations

import pytest
from django.db import transaction

from django_jobs import operations
from django_jobs.exceptions import DuplicateJob
from django_jobs.models import Job
from django_jobs.states import LIVE, Status
from tests import jobs
from tests.factories import JobFactory
from tests.scenes import fresh, rolled_back, work

pytestmark = pytest.mark.django_db
keyed = jobs.add.using(unique_key="k")
strict = jobs.add.using(unique_key="k", on_conflict="raise")


@pytest.mark.parametrize("live", sorted(LIVE))
def test_the_existing_job_comes_back_marked(any_status: None, live: Status) -> None:
    first = JobFactory(unique_key="k", status=live, params={"a": 7})
    second = keyed.later(1)
    assert second.pk == first.pk
    assert second.was_already_enqueued
    assert fresh(second).params == {"a": 7}
    assert Job.objects.count() == 1


@pytest.mark.parametrize("live", sorted(LIVE))
def test_d29_or_an_error_with_its_id(any_status: None, live: Status) -> None:
    first = JobFactory(unique_key="k", status=live)
    with transaction.atomic():
        with pytest.raises(DuplicateJob) as caught:
            strict.later(1)
        assert caught.value.job_id == first.pk
        jobs.add.later(2)
    assert Job.objects.count() == 2


@pytest.mark.parametrize("ended", sorted(set(Status) - LIVE - {Status.PENDING_RECOVERY}))
def test_an_ended_job_holds_nothing(any_status: None, ended: Status) -> None:
    first = JobFactory(unique_key="k", status=ended)
    second = strict.later(1)
    assert second.pk != first.pk
    assert not second.was_already_enqueued


def test_a_holder_that_is_rolled_back_holds_nothing() -> None:
    with rolled_back():
        keyed.later(1)
    assert not keyed.later(2).was_already_enqueued
    assert Job.objects.get().params == {"a": 2}


def test_other_keys_and_no_key() -> None:
    keyed.later(1)
    jobs.add.using(unique_key="K").later(1)
    jobs.add.later(1)
    jobs.add.later(1)
    assert Job.objects.count() == 4


def test_the_key_is_free_when_the_job_has_run() -> None:
    keyed.later(1)
    work()
    assert not keyed.later(1).was_already_enqueued


def test_an_operators_retry_respects_the_key(any_status: None) -> None:
    ended = JobFactory(unique_key="k", status=Status.FAILED)
    keyed.later(1)
    result = operations.retry(ended)
    assert result.done == []
    assert result.skipped == {ended.pk: "a live job holds its unique key"}
    assert fresh(ended).status == "failed"


def test_now_respects_the_key_too() -> None:
    keyed.later(1)
    with pytest.raises(DuplicateJob):
        keyed.now(1)
    assert Job.objects.count() == 1
