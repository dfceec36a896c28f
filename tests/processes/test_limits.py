"""The limits of a queue are kept by all workers together."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_jobs import operations
from django_jobs.models import Job
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs


def most_at_once() -> int:
    """How many of the jobs that ended ran at the same time."""
    steps: list[tuple[object, int]] = []
    for began, ended in Job.objects.values_list("worker_started_at", "completed_at"):
        steps += [(began, 1), (ended, -1)]
    running = most = 0
    for _, step in sorted(steps, key=lambda step: (step[0], step[1])):  # type: ignore[arg-type, return-value]
        running += step
        most = max(most, running)
    return most


def test_four_processes_never_run_more_than_the_limit(worker_process: StartWorker) -> None:
    operations.limit_queue("default", max_running=3)
    jobs.sleep_async.later_many([{"seconds": 0.03}] * 60)
    for number in range(2):
        name = f"worker-{number}"
        options = ("--name", name, "--processes", "2", "--queues", "default:8")
        worker_process(*options, POLL_INTERVAL=0.1)
    wait_until(lambda: Job.objects.completed().count() == 60, 60, "all jobs")
    assert most_at_once() == 3


def test_four_workers_start_no_more_in_a_minute_than_the_limit(worker_process: StartWorker) -> None:
    operations.limit_queue("default", rate_limit=7)
    jobs.nothing.later_many([{}] * 60)
    options = ("--once", "--queues", "default:5")
    began = timezone.now().replace(second=0, microsecond=0)
    workers = [worker_process("--name", f"worker-{number}", *options) for number in range(4)]
    assert [worker.wait(60) for worker in workers] == [0] * 4
    # A claim that waits for SQLite's lock at the turn of a minute is counted in the one before.
    minutes = (timezone.now() - began) // timedelta(minutes=1) + 1
    assert 0 < Job.objects.exclude(worker_started_at=None).count() <= 7 * minutes
