"""What a worker does with jobs, seen from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from django_jobs import stats
from django_jobs.models import CronJob, CronSlot, Job, JobRollup, JobTransition
from django_jobs.states import Status
from tests.harness.environment import needs_session
from tests.harness.waiting import wait_until
from tests.harness.workers import StartWorker
from tests.processes import jobs
from tests.processes.conftest import wait_for_status

Lines = Callable[[], list[str]]


def test_eight_processes_run_five_thousand_jobs_once_each(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    jobs.write_note.later_many([{"path": trace}] * 5000)
    worker = worker_process("--drain", "--processes", "8", "--queues", "default:4")
    assert worker.wait(120) == 0, worker.output
    assert Job.objects.completed().count() == 5000
    executions = Counter(lines())
    assert len(executions) == 5000
    assert set(executions.values()) == {1}, "a job ran twice"
    claims = JobTransition.objects.filter(to_status=Status.RUNNING)
    # On a busy machine some wait for a slot too long, and are handed back for others.
    handed_back = JobTransition.objects.filter(reason="waited for a slot")
    assert claims.count() == 5000 + handed_back.count()


def test_what_workers_did_is_counted(worker_process: StartWorker) -> None:
    jobs.nothing.later_many([{}] * 40)
    assert worker_process("--drain", "--processes", "2").wait() == 0
    counted = stats.ended_totals(timezone.now() - timedelta(hours=1))
    assert counted == {Status.COMPLETED: 40}, "a worker that ends writes what it has counted"
    (times,) = stats.job_times(timezone.now() - timedelta(hours=1))
    assert (times.ended, times.failed) == (40, 0)
    assert times.wait_p50 is not None
    assert times.run_p50 is not None


def test_an_idle_worker_does_not_keep_what_it_counted(worker_process: StartWorker) -> None:
    worker_process()
    wait_for_status(jobs.nothing.later(), Status.COMPLETED)
    wait_until(JobRollup.objects.exists, 30, "the sums of a worker that has nothing more to do")


def test_eight_workers_of_one_process_share_the_work(
    worker_process: StartWorker, trace: str, lines: Lines
) -> None:
    jobs.write_note.later_many([{"path": trace}] * 400)
    workers = [worker_process("--drain", "--name", f"worker-{n}") for n in range(8)]
    assert [worker.wait(90) for worker in workers] == [0] * 8
    assert set(Counter(lines()).values()) == {1}
    assert len(lines()) == 400


def test_once_runs_what_fits_and_exits(worker_process: StartWorker) -> None:
    jobs.nothing.later_many([{}] * 5)
    worker = worker_process("--once", "--queues", "default:3")
    assert worker.wait() == 0
    assert Job.objects.completed().count() == 3
    assert Job.objects.pending().count() == 2


def test_once_with_nothing_to_do_exits(worker_process: StartWorker) -> None:
    assert worker_process("--once").wait() == 0


def test_drain_runs_what_became_due_and_leaves_the_rest(worker_process: StartWorker) -> None:
    due = jobs.nothing.using(delay=3600).later()
    Job.objects.filter(pk=due.pk).update(scheduled_for=due.created_at)
    future = jobs.nothing.using(delay=3600).later()
    assert worker_process("--drain").wait() == 0
    due.refresh_from_db()
    future.refresh_from_db()
    assert (due.status, future.status) == (Status.COMPLETED, Status.SCHEDULED)


def test_a_full_queue_does_not_hold_up_another(
    worker_process: StartWorker, trace: str, gate_file: Path, lines: Lines
) -> None:
    for _ in range(3):
        jobs.gate.later(path=trace, opens=str(gate_file))
    worker_process("--queues", "slow:1,default:1")
    wait_until(lines, 30, "the slow job to start")
    quick = jobs.nothing.later()
    wait_for_status(quick, Status.COMPLETED)
    assert Job.objects.for_queue("slow").completed().count() == 0
    gate_file.touch()


def test_a_cron_slot_fires_once_with_three_workers(worker_process: StartWorker) -> None:
    cron = CronJob.objects.create(
        name="tests.cron",
        job_name="processes.nothing",
        cron_expression="0 0 1 1 *",
        next_run_at="2026-01-01T00:00:00Z",
    )
    workers = [worker_process("--name", f"cron-{n}") for n in range(3)]
    wait_until(lambda: Job.objects.named("processes.nothing").completed().exists(), 30, "the run")
    for worker in workers:
        wait_until(lambda worker=worker: "Ctrl-C" in worker.output)  # type: ignore[misc]
    cron.refresh_from_db()
    assert Job.objects.named("processes.nothing").count() == 1
    assert CronSlot.objects.filter(cron_job=cron, outcome="fired").count() == 1
    assert cron.next_run_at is not None
    assert cron.next_run_at > cron.last_run_at


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has NOTIFY")
@needs_session
def test_a_hint_wakes_an_idle_worker_long_before_its_poll(worker_process: StartWorker) -> None:
    worker_process("--poll-interval", "60")
    wait_until(_somebody_listens, 30, "a listener")
    job = jobs.nothing.later()
    wait_for_status(job, Status.COMPLETED, timeout=10)


def _somebody_listens() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
