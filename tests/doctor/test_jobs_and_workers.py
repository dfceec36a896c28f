"""What the doctor sees of workers, queues and jobs."""

from __future__ import annotations

from typing import Any

import pytest

from django_jobs import operations
from django_jobs.doctor import Condition
from django_jobs.models import DesiredState, Queue, WorkerState
from django_jobs.states import Status
from tests.doctor.conftest import Diagnose, live_worker
from tests.factories import JobFactory, WorkerFactory, WorkerProcessFactory, ago, ahead, failed_job

pytestmark = pytest.mark.django_db


# Workers


def test_nobody_works(diagnose: Diagnose) -> None:
    assert diagnose("live workers").condition is Condition.WARN
    JobFactory()
    finding = diagnose("live workers")
    assert (finding.condition, finding.found) == (Condition.PROBLEM, "none, and jobs are due")
    assert "manage.py runjobs" in finding.fix


def test_somebody_works(diagnose: Diagnose) -> None:
    live_worker()
    finding = diagnose("live workers")
    assert finding.condition is Condition.OK
    assert finding.found.startswith("1 worker with 1 process; the oldest heartbeat is 0.")
    assert diagnose("silent workers").condition is Condition.OK


def test_a_worker_without_a_heartbeat_is_silent(diagnose: Diagnose) -> None:
    WorkerProcessFactory(worker__name="lost", pid=12, last_heartbeat_at=ago(minutes=5))
    finding = diagnose("silent workers")
    assert finding.condition is Condition.WARN
    assert "lost (test:12, 5 min)" in finding.found
    assert diagnose("live workers").condition is Condition.WARN


def test_a_worker_whose_processes_were_forgotten_is_silent(diagnose: Diagnose) -> None:
    WorkerFactory(name="gone", state=WorkerState.RUNNING, last_heartbeat_at=ago(hours=3))
    WorkerFactory(name="stopped", state=WorkerState.STOPPED, last_heartbeat_at=ago(hours=3))
    finding = diagnose("silent workers")
    assert "gone (3.0 h)" in finding.found
    assert "stopped" not in finding.found


# Queues


def test_a_queue_that_no_live_worker_serves(diagnose: Diagnose) -> None:
    live_worker(queues={"default": 1, "mails": 2})
    JobFactory(queue="default")
    JobFactory(queue="reports")
    finding = diagnose("unserved queues")
    assert finding.condition is Condition.PROBLEM
    assert finding.found.endswith(": reports")
    assert "runjobs --queues reports" in finding.fix
    live_worker("second", queues={"reports": 1})
    assert diagnose("unserved queues").condition is Condition.OK


@pytest.mark.parametrize(
    "columns",
    [
        {"state": WorkerState.DRAINING},
        {"desired_state": DesiredState.STOP},
        {"desired_state": DesiredState.DRAIN},
        {"queues": ["default"]},  # nothing of ours writes that
    ],
    ids=str,
)
def test_a_worker_that_takes_nothing_new_serves_nothing(
    diagnose: Diagnose, columns: dict[str, Any]
) -> None:
    live_worker(**columns)
    JobFactory()
    assert diagnose("unserved queues").condition is Condition.PROBLEM


def test_a_paused_queue_with_due_jobs(diagnose: Diagnose) -> None:
    operations.pause_queue("bulk", by="ada", reason="")
    assert diagnose("paused queues").found == "1 paused, none with due jobs"
    JobFactory(queue="bulk", scheduled_for=ago(days=3))
    Queue.objects.filter(name="bulk").update(paused_at=ago(hours=4))
    finding = diagnose("paused queues")
    assert finding.condition is Condition.WARN
    assert finding.found.endswith("bulk (for 4.0 h)")
    assert "jobs_resume bulk" in finding.fix
    # It is told once.
    assert diagnose("unserved queues").condition is Condition.OK
    assert diagnose("longest wait").condition is Condition.OK


def test_the_oldest_due_job_is_found_behind_others(diagnose: Diagnose) -> None:
    """It waits behind an endless stream of more urgent ones, in the middle of the index."""
    for queue in ("aaa", "bbb", "ccc"):
        JobFactory.create_batch(3, queue=queue, priority=-5)
    JobFactory(queue="bbb", priority=7, scheduled_for=ago(hours=5))
    finding = diagnose("longest wait")
    assert (finding.condition, finding.found) == (Condition.WARN, "5.0 h, in the queue bbb")


def test_nobody_promotes(diagnose: Diagnose) -> None:
    JobFactory(status=Status.SCHEDULED, scheduled_for=ahead(days=1))
    assert diagnose("overdue delayed jobs").condition is Condition.OK
    JobFactory(status=Status.SCHEDULED, scheduled_for=ago(minutes=10))
    finding = diagnose("overdue delayed jobs")
    assert finding.condition is Condition.PROBLEM
    assert "due for 10 min" in finding.found
    assert "--no-services" in finding.fix


@pytest.mark.parametrize(
    "columns",
    [{}, {"status": Status.SCHEDULED, "scheduled_for": ahead(days=1)}],
    ids=["pending", "scheduled"],
)
def test_jobs_that_this_code_does_not_know(diagnose: Diagnose, columns: dict[str, Any]) -> None:
    JobFactory(job_name="shop.renamed", **columns)
    JobFactory()
    finding = diagnose("unknown jobs")
    assert finding.condition is Condition.WARN
    assert finding.found.endswith(": shop.renamed")
    assert "jobs_discard --name shop.renamed --yes" in finding.fix


# Attempts


@pytest.mark.usefixtures("any_status")
def test_nobody_rescues(diagnose: Diagnose) -> None:
    JobFactory(status=Status.RUNNING)
    JobFactory(status=Status.RUNNING, worker_expires_at=ago(seconds=90))  # the sweep is near
    assert diagnose("lost jobs").condition is Condition.OK
    JobFactory(status=Status.RUNNING, worker_expires_at=ago(minutes=10))
    finding = diagnose("lost jobs")
    assert finding.condition is Condition.PROBLEM
    assert finding.found == "running jobs whose lease ran out up to 10 min ago: 1"


def test_dead_letters_of_a_day(diagnose: Diagnose) -> None:
    failed_job(job_name="tests.old", completed_at=ago(days=2))
    assert diagnose("dead letters").condition is Condition.OK
    failed_job(job_name="tests.add")
    failed_job(job_name="tests.boom")
    failed_job(job_name="tests.boom")
    finding = diagnose("dead letters")
    assert finding.condition is Condition.WARN
    assert finding.found == "3 jobs gave up within a day: tests.boom (2), tests.add (1)"
