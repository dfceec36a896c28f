"""The enqueue buffer and real processes: a kill at the worst moment makes no second job."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connections, transaction

from django_jobs import producing
from django_jobs.models import ClusterLock, Job
from django_jobs.stores import recovery
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.scenes import Configure

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "buffer"])

Lines = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _buffer(configure: Configure) -> Iterator[None]:
    configure(RECOVERY_DB_ALIAS="buffer")
    yield
    connections["buffer"].close()


def put_aside(trace: str, number: int) -> list[Job]:
    """As producers do during an outage."""
    made = producing.build_many(jobs.write_note, [{"path": trace}] * number)
    recovery.put_aside(made)
    return made


def in_buffer(status: str) -> int:
    return Job.objects.using("buffer").filter(status=status).count()


@pytest.mark.fault("F43")
def test_a_worker_brings_them_home_and_runs_each_once(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    made = put_aside(trace, 20)
    worker_process(RECOVERY_DB_ALIAS="buffer", SWEEP_INTERVAL=0.2)
    wait_until(lambda: Job.objects.completed().count() == 20, 30, "all jobs")
    assert sorted(line.split()[0] for line in lines()) == sorted(str(job.id) for job in made)
    assert (in_buffer("pending_recovery"), in_buffer("enqueued")) == (0, 20)


@pytest.mark.fault("F44")
def test_a_kill_between_the_arrival_and_the_mark_makes_no_second_job(
    worker_process: StartWorker, trace: str
) -> None:
    made = put_aside(trace, 5)
    with transaction.atomic(using="buffer"):  # the writer's lock: nothing can be marked
        victim = worker_process(command="jobs_recover", RECOVERY_DB_ALIAS="buffer")
        wait_until(lambda: Job.objects.count() == 5, 30, "the jobs to arrive")
        assert in_buffer("pending_recovery") == 5
        victim.kill()
    ClusterLock.objects.all().delete()  # as if its time had run out
    assert worker_process(command="jobs_recover", RECOVERY_DB_ALIAS="buffer").wait() == 0
    assert set(Job.objects.values_list("pk", flat=True)) == {job.pk for job in made}
    assert (in_buffer("pending_recovery"), in_buffer("enqueued")) == (0, 5)
