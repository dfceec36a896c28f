"""Old code beside new: a column or a status that this version does not know is no obstacle."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from django_jobs import operations, stats
from django_jobs.models import DesiredState, Job, Worker
from django_jobs.outcome import Outcome
from django_jobs.runtime.heartbeat import Heartbeat
from django_jobs.runtime.options import WorkerOptions
from django_jobs.services.cleanup import clean_up
from django_jobs.services.promote import expire_late, promote_due
from django_jobs.services.rescue import rescue_lost
from django_jobs.stores import active_store
from tests import jobs
from tests.factories import JobFactory, ago
from tests.harness.guard import guard_paused
from tests.scenes import (
    PROCESS,
    Configure,
    claim,
    finish,
    fresh,
    holder,
    let_lease_expire,
    path,
    status,
)

STORES = [None, "django_jobs.stores.database.DatabaseStore"]
TABLES = ("django_jobs_job", "django_jobs_jobtransition", "django_jobs_joblog")


def live_one_life() -> None:
    """Every statement of a worker, with rows in every state that it leaves behind."""
    for number in range(8):  # so many that the connection prepares what it may
        jobs.add.later(number)
    jobs.add.later_many([{"a": 1}, {"a": 2}])
    jobs.add.using(delay=60, unique_key="k").later(1)
    first, second, third, *rest = claim(20)
    assert finish(first, Outcome.complete({"a": 1}))
    assert finish(second, Outcome.retry(0, "error"))
    assert active_store().renew([PROCESS], 60) == 1 + len(rest)
    let_lease_expire(third)
    assert rescue_lost() == 1
    assert promote_due() + expire_late() == 0  # the rescue has promoted already
    operations.cancel(Job.objects.live())
    operations.retry(Job.objects.filter(status="cancelled"))
    assert path(first) == ["pending", "running", "completed"]
    assert clean_up(older_than=0).complete


@pytest.fixture
def add_columns(transactional_db: None) -> Iterator[Callable[[], None]]:
    def alter(change: str) -> None:
        with connection.cursor() as cursor:
            for table in altered:
                cursor.execute(f"ALTER TABLE {table} {change}")

    def add() -> None:
        altered.extend(TABLES)
        alter("ADD COLUMN of_the_future integer NULL")

    altered: list[str] = []
    yield add
    alter("DROP COLUMN of_the_future")


@pytest.mark.parametrize("store", STORES)
def test_a_worker_goes_on_when_a_migration_adds_a_column(
    configure: Configure, add_columns: Callable[[], None], store: str | None
) -> None:
    """On the same connection: what it has prepared or planned stays valid."""
    configure(STORE=store)
    live_one_life()
    Job.objects.all().delete()
    add_columns()
    live_one_life()


@pytest.fixture
def foreign(db: None) -> Job:
    """A job of a newer version, in a status that this one has never heard of."""
    job = JobFactory(scheduled_for=ago(hours=1), expires_at=ago(minutes=1))
    with guard_paused():
        Job.objects.filter(pk=job.pk).update(status="frozen", completed_at=Now())
    return job


def test_a_status_of_the_future_is_left_alone(foreign: Job, configure: Configure) -> None:
    for store in STORES:
        configure(STORE=store)
        assert claim() == []
        assert active_store().promote(10) == active_store().expire(10) == 0
        assert active_store().rescue(10) == []
        assert active_store().claim_job(foreign.pk, holder()) is None
        assert clean_up(older_than=0).total_jobs == 0
    assert status(foreign) == "frozen"


@pytest.mark.parametrize("verb", ["retry", "cancel", "discard", "run_now"])
def test_operators_are_told_the_status_of_the_future(foreign: Job, verb: str) -> None:
    result = getattr(operations, verb)(foreign.pk)
    assert result.done == []
    assert result.skipped == {foreign.pk: "frozen"}
    assert status(foreign) == "frozen"


def test_a_status_of_the_future_is_counted_and_shown(foreign: Job) -> None:
    assert active_store().count_by_state() == {"frozen": 1}
    assert set(stats.job_counts().values()) == {0}
    assert [one.status for one in stats.job_statistics()] == ["frozen"]
    assert not fresh(foreign).is_finished
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    for page in (
        reverse("admin:django_jobs_job_changelist"),
        reverse("admin:django_jobs_job_change", args=[foreign.pk]),
    ):
        response = client.get(page)
        assert response.status_code == 200
        assert "frozen" in response.content.decode()


def test_a_worker_that_is_told_something_of_the_future_works_on(db: None) -> None:
    Worker.objects.create(name="worker", desired_state="hibernate")
    heartbeat = Heartbeat(WorkerOptions("worker", {"default": 1}, processes=1))
    assert heartbeat.beat([]) == DesiredState.RUN
