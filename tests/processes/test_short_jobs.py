"""Jobs of a few microseconds: claimed ahead, run in one thread, committed together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from django_jobs.models import Job, JobTransition
from django_jobs.states import Status
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs

Lines = Callable[[], list[str]]

ONE_AT_A_TIME = "single:1"


def short_jobs(count: int, queue: str = "default") -> None:
    jobs.nothing.using(queue=queue).later_many([{}] * count)


def test_a_long_job_among_short_ones_does_not_hold_up_the_next(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    """Jobs were so short that one thread did them all, and then they are not."""
    short_jobs(300)
    jobs.gate.using(queue="default").later_many([{"path": trace, "opens": str(gate_file)}] * 5)
    short_jobs(20)
    worker_process("--queues", "default:6", "--poll-interval", "60")
    wait_until(lambda: len(lines()) == 5, 30, "five bodies at once")
    assert {line.split()[0] for line in lines()} == {"1"}, "some were handed back first"
    wait_until(lambda: Job.objects.completed().count() == 320, 30, "the short ones")
    gate_file.touch()
    wait_until(lambda: Job.objects.completed().count() == 325, 30, "all")


def test_what_was_claimed_ahead_and_can_not_start_goes_back_to_others(
    worker_process: StartWorker, trace: str, lines: Lines, gate_file: Path
) -> None:
    short_jobs(50, "single")
    jobs.gate.using(queue="single").later(path=trace, opens=str(gate_file))
    short_jobs(40, "single")
    worker_process("--name", "busy", "--queues", ONE_AT_A_TIME)
    wait_until(lines, 30, "the long job to start")
    worker_process("--name", "idle", "--queues", ONE_AT_A_TIME)
    wait_until(lambda: Job.objects.completed().count() == 90, 30, "the short ones")
    assert Job.objects.filter(failure_count=0, crash_count=0).count() == 91
    gate_file.touch()
    wait_until(lambda: Job.objects.completed().count() == 91, 30, "all")


def test_sync_and_async_jobs_of_one_queue_take_turns(worker_process: StartWorker) -> None:
    for _ in range(10):
        short_jobs(10)
        jobs.nothing_async.later_many([{}] * 10)
    worker = worker_process("--drain", "--queues", "default:3")
    assert worker.wait(60) == 0, worker.output
    assert Job.objects.completed().count() == 200
    assert set(Job.objects.values_list("attempt_count", flat=True)) == {1}


def commits() -> int:
    """How many transactions wrote the ends of jobs."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(DISTINCT xmin::text) FROM {JobTransition._meta.db_table}"
            " WHERE to_status = %s",
            [Status.COMPLETED],
        )
        return int(cursor.fetchone()[0])


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only there rows name their commit")
@pytest.mark.parametrize("ack", ["batch", "each"])
def test_outcomes_are_committed_as_ack_says(worker_process: StartWorker, ack: str) -> None:
    short_jobs(100)
    assert worker_process("--drain", ACK=ack).wait(60) == 0
    assert Job.objects.completed().count() == 100
    assert (commits() == 100) == (ack == "each")
