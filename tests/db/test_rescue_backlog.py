"""After an outage there is more to rescue than one page holds, and nothing is in its way."""

from __future__ import annotations

import logging

import pytest
from django.db import connection

from django_jobs import signals
from django_jobs.models import Job, JobTransition, Worker, WorkerProcess
from django_jobs.outcome import Outcome
from django_jobs.services import rescue as service
from django_jobs.states import Status
from django_jobs.stores.base import Store
from tests.factories import JobFactory, WorkerProcessFactory, ago
from tests.scenes import claim_one, finish, fresh, let_lease_expire, make_due, seconds_until

PAGES = 3


def lose_jobs(count: int, **columns: object) -> None:
    """Jobs of a process that nobody has heard of for days, each lost a moment after the last."""
    Job.objects.bulk_create(
        JobFactory.build(
            status=Status.RUNNING, worker_expires_at=ago(days=3, seconds=-number), **columns
        )
        for number in range(count)
    )


def test_more_than_one_page_is_rescued_in_one_go(store: Store, any_status: None) -> None:
    count = PAGES * service.BATCH + 7
    lose_jobs(count)
    assert service.rescue_lost() == count
    assert not Job.objects.stuck().exists()
    assert JobTransition.objects.filter(reason="worker_lost").count() == count
    assert Job.objects.pending().count() == count, "due at once after a first crash"


def test_jobs_of_unknown_names_are_rescued_too(store: Store, any_status: None) -> None:
    """The rescuer needs no code of the job: what it must know stands in the row."""
    lose_jobs(3, job_name="of.another.version")
    lose_jobs(2)
    assert service.rescue_lost() == 5


def test_orphans_are_found_when_nothing_tells_of_their_worker(
    store: Store, any_status: None
) -> None:
    """By the row of the job alone; the rows of workers are for people."""
    WorkerProcessFactory()
    Worker.objects.all().delete()
    assert not WorkerProcess.objects.exists()
    lose_jobs(2)
    assert service.rescue_lost() == 2


def test_a_receiver_that_breaks_stops_nothing(
    store: Store, any_status: None, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("a receiver")

    lose_jobs(4)
    signals.job_rescued.connect(broken)
    try:
        with caplog.at_level(logging.CRITICAL):
            assert service.rescue_lost() == 4
    finally:
        signals.job_rescued.disconnect(broken)


def test_after_the_first_crash_there_is_a_growing_pause(store: Store) -> None:
    job = JobFactory()
    pauses = []
    for _ in range(2):
        let_lease_expire(claim_one())
        (rescued,) = store.rescue(1)
        pauses.append(seconds_until(fresh(job).scheduled_for))
        make_due(job)
        store.promote(1)
    assert rescued.crash_count == 2
    assert pauses[0] <= 0 < 5 < pauses[1] <= 15


def test_a_release_costs_nothing(store: Store) -> None:
    """Deploys do not use up attempts, however many there are."""
    job = JobFactory(max_attempts=1)
    for _ in range(5):
        assert finish(claim_one(), Outcome.release("worker stopped"))
    row = fresh(job)
    assert (row.status, row.attempt_count) == (Status.PENDING, 5)
    assert (row.failure_count, row.crash_count) == (0, 0)


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a second connection that sleeps: tried on PostgreSQL"
)
@pytest.mark.django_db(transaction=True)
def test_locked_rows_do_not_keep_the_others_from_being_rescued(any_status: None) -> None:
    """As many as a page, and the first ones: who locks them has gone to sleep."""
    lose_jobs(service.BATCH + 5)
    first = Job.objects.order_by("worker_expires_at").values_list("pk", flat=True)
    asleep = connection.copy("asleep")
    try:
        asleep.set_autocommit(False)
        with asleep.cursor() as cursor:
            cursor.execute(
                "SELECT id FROM django_jobs_job WHERE id = ANY(%s) FOR UPDATE",
                [list(first[: service.BATCH])],
            )
        assert service.rescue_lost() == 5
        asleep.rollback()
        assert service.rescue_lost() == service.BATCH
    finally:
        asleep.close()
