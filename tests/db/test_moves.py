"""The table of legal moves, and the database trigger that holds every test to it."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from django_jobs.exceptions import InvalidTransition
from django_jobs.models import Job, JobTransition
from django_jobs.states import (
    LIVE,
    MOVES,
    RETRYABLE,
    TERMINAL,
    Actor,
    Status,
    is_legal,
    sources_of,
)
from django_jobs.stores.database.moves import Row, locked_rows, move
from tests.factories import JobFactory
from tests.harness.guard import guard_paused
from tests.scenes import path, status

pytestmark = pytest.mark.django_db

PAIRS = [(a, b) for a, b in itertools.product(Status, Status) if a != b]


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_the_database_agrees_with_the_table(before: Status, after: Status) -> None:
    with guard_paused():
        job = JobFactory(status=before, completed_at=Now(), worker_expires_at=Now())
    try:
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(status=after)
        accepted = True
    except IntegrityError:
        accepted = False
    assert accepted == is_legal(before, after) == ((before, after) in MOVES)


def test_completed_is_for_ever() -> None:
    assert not [after for before, after in MOVES if before == Status.COMPLETED]


def test_every_other_end_is_open_to_the_operator() -> None:
    for ended in RETRYABLE:
        assert is_legal(ended, Status.PENDING, Actor.OPERATOR)
        assert not is_legal(ended, Status.PENDING, Actor.WORKER)


def test_only_a_worker_starts_a_job() -> None:
    assert sources_of(Status.RUNNING, Actor.WORKER) == {Status.PENDING}
    for actor in set(Actor) - {Actor.WORKER}:
        assert sources_of(Status.RUNNING, actor) == frozenset()


def test_live_and_ended_have_nothing_in_common() -> None:
    assert not LIVE & TERMINAL
    assert set(Status) - {Status.PENDING_RECOVERY} == LIVE | TERMINAL


# The one place that writes a status


def test_an_illegal_move_is_refused_before_anything_is_written() -> None:
    jobs = [JobFactory(), JobFactory(status=Status.SCHEDULED)]
    rows = locked_rows(Job.objects.order_by("status"))
    with pytest.raises(InvalidTransition, match="from scheduled to running"):
        move(rows, Status.RUNNING, Actor.WORKER, actor="worker")
    assert [status(job) for job in jobs] == ["pending", "scheduled"]
    assert not JobTransition.objects.exists()


def test_a_legal_move_by_the_wrong_actor_is_refused() -> None:
    JobFactory()
    with pytest.raises(InvalidTransition):
        move(locked_rows(Job.objects.all()), Status.CANCELLED, Actor.WORKER, actor="worker")


def test_a_row_that_changed_meanwhile_is_not_moved() -> None:
    """What databases without row locks rely on."""
    job, other = JobFactory(), JobFactory()
    Job.objects.filter(pk=other.pk).update(status=Status.CANCELLED, completed_at=Now())
    believed = [Row(one.pk, "pending", 0, 0) for one in (job, other)]
    with pytest.raises(InvalidTransition, match="changed"), transaction.atomic():
        move(believed, Status.DISCARDED, Actor.OPERATOR, actor="operator")
    assert [status(one) for one in (job, other)] == ["pending", "cancelled"]
    assert path(job) == []


def test_more_rows_than_one_statement_takes() -> None:
    Job.objects.bulk_create(JobFactory.build_batch(1001))
    move(locked_rows(Job.objects.all()), Status.CANCELLED, Actor.OPERATOR, actor="operator")
    assert Job.objects.filter(status=Status.CANCELLED).count() == 1001
    assert JobTransition.objects.count() == 1001
