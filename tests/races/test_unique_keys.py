"""Two for one key: there is never more than one live job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction

from django_jobs import operations
from django_jobs.exceptions import DuplicateJob, EnqueueUnavailable
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.stores.outages import is_conflict
from tests import jobs
from tests.factories import failed_job
from tests.harness.at_once import PATIENCE, AtOnce
from tests.scenes import (
    claim_one,
    finish,
    rolled_back,
    work,
)

ROUNDS = 12


def beginning_again(enqueue: Callable[[], Job]) -> Job:
    """On MariaDB a site begins its transaction again, as the documentation says.

    There two that insert a key, of which InnoDB has not yet forgotten an older row, may deadlock.
    """
    while True:
        try:
            return enqueue()
        except EnqueueUnavailable as error:
            cause = error.__cause__
            if connection.vendor != "mysql" or cause is None or not is_conflict(cause):
                raise


@pytest.mark.parametrize("commits", [True, False])
def test_two_enqueuers_of_one_key(at_once: AtOnce, commits: bool) -> None:
    """The second waits for the first: whether it commits decides who gets the key."""

    def enqueue() -> Job:
        with transaction.atomic():
            job = jobs.add.using(unique_key="k").later(1)
            if not commits:
                transaction.set_rollback(True)
        return job

    for _ in range(ROUNDS):
        first, second = at_once(*[partial(beginning_again, enqueue)] * 2)
        if commits:
            assert Job.objects.count() == 1
            assert first.pk == second.pk == Job.objects.get().pk
            assert [first.was_already_enqueued, second.was_already_enqueued].count(True) == 1
        else:
            assert not Job.objects.exists()
        Job.objects.all().delete()


def test_when_the_winner_of_a_key_rolls_back_the_loser_is_enqueued(at_once: AtOnce) -> None:
    """Nobody is told of a job that was never there."""
    has_key, is_asking = threading.Event(), threading.Event()

    def win_and_roll_back() -> None:
        with rolled_back():
            jobs.add.using(unique_key="k").later(1)
            has_key.set()
            assert is_asking.wait(PATIENCE)

    def ask_second() -> Job:
        assert has_key.wait(PATIENCE)
        is_asking.set()
        return jobs.add.using(unique_key="k").later(2)

    for _ in range(ROUNDS):
        has_key.clear()
        is_asking.clear()
        _, job = at_once(win_and_roll_back, ask_second)
        assert not job.was_already_enqueued
        assert Job.objects.get().params == {"a": 2}
        Job.objects.all().delete()


def test_enqueue_against_the_end_of_the_holder(at_once: AtOnce) -> None:
    """There is always a live job for the work that was asked for, and never two."""
    for _ in range(ROUNDS):
        jobs.add.using(unique_key="k").later(1)
        claimed = claim_one()
        _, job = at_once(
            partial(finish, claimed, Outcome.complete(1)),
            partial(jobs.add.using(unique_key="k").later, 2),
        )
        assert Job.objects.live().filter(unique_key="k").count() <= 1
        assert job.was_already_enqueued == (job.pk == claimed.id)
        work()


def test_retry_against_enqueue_of_the_same_key(at_once: AtOnce) -> None:
    def enqueue() -> bool:
        try:
            jobs.add.using(unique_key="k", on_conflict="raise").later(1)
        except DuplicateJob:
            return False
        return True

    for _ in range(ROUNDS):
        letter = failed_job(unique_key="k")
        retried, enqueued = at_once(partial(operations.retry, letter.pk), enqueue)
        assert bool(retried.done) != enqueued
        assert Job.objects.live().count() == 1
        Job.objects.all().delete()
