"""Workers that are killed, frozen, told to go, or given jobs that end badly."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from django_jobs import operations
from django_jobs.failpoints import VARIABLE
from django_jobs.models import Job
from django_jobs.states import Status
from tests.faults import jobs
from tests.faults.stage import Stage
from tests.harness.environment import ROOT
from tests.harness.freezing import freeze, thaw
from tests.harness.waiting import wait_until

#: What a worker says that finds itself too late.
TOO_LATE = ("was lost", "stood still", "could not be renewed in time")
PORTABLE = "django_jobs.stores.database.DatabaseStore"


@pytest.mark.fault("F1")
@pytest.mark.fault("F49")
@pytest.mark.parametrize("who", ["parent", "child", "both"])
def test_a_worker_is_killed_at_a_random_time(stage: Stage, who: str, chance: random.Random) -> None:
    new = stage.enqueue(jobs.work, 60, seconds=0.2)
    victim = stage.worker("--name", "victim", "--queues", "default:4")
    pids = {stage.wait_for_starts()[0].pid}
    stage.worker("--name", "heir", "--queues", "default:4")
    time.sleep(chance.uniform(0, 2))
    if who == "both":
        victim.kill()
    else:
        os.kill(victim.pid if who == "parent" else pids.pop(), signal.SIGKILL)
    if who != "child":
        wait_until(lambda: not victim.members(), 10, "the children to go with their parent")
    stage.wait_until_done()
    assert Job.objects.completed().filter(pk__in=[job.pk for job in new]).count() == 60


@pytest.mark.fault("F2")
@pytest.mark.fault("F49")
@pytest.mark.parametrize("point", ["claim.locked", "claim.taken", "claim.committed"])
def test_a_worker_is_killed_in_the_middle_of_a_claim(stage: Stage, point: str) -> None:
    stage.enqueue(jobs.work, 10)
    once = stage.folder / "once"
    worker = stage.worker(STORE=PORTABLE, environment={VARIABLE: f"{point}=kill:{once}"})
    stage.wait_until_done()
    assert once.exists(), "nobody was killed"
    crashed = Job.objects.exclude(crash_count=0)
    # No body ran, so no job is to blame; before the commit nothing happened at all.
    assert not crashed.exists()
    attempts = set(Job.objects.values_list("attempt_count", flat=True))
    assert attempts <= ({1, 2} if point == "claim.committed" else {1})
    assert worker.exit_code is None


@pytest.mark.fault("F3")
@pytest.mark.fault("F49")
@pytest.mark.parametrize("point", ["finish.pending", "finish.written"])
def test_a_worker_is_killed_between_a_job_and_its_finish(stage: Stage, point: str) -> None:
    new = stage.enqueue(jobs.work, 20)
    once = stage.folder / "once"
    stage.worker(environment={VARIABLE: f"{point}=kill:{once}"})
    stage.wait_until_done()
    assert once.exists(), "nobody was killed"
    assert Job.objects.completed().count() == len(new)
    runs = len(stage.traces("start"))
    if point == "finish.pending":
        assert runs > len(new), "what ended unwritten runs again"


@pytest.mark.fault("F3")
@pytest.mark.fault("F49")
@pytest.mark.parametrize("point", ["atomic.ended", "atomic.committed"])
def test_an_atomic_job_writes_once_however_its_worker_is_killed(stage: Stage, point: str) -> None:
    new = stage.enqueue(jobs.exactly, 10)
    once = stage.folder / "once"
    stage.worker("--queues", "default:2,children:2", environment={VARIABLE: f"{point}=kill:{once}"})
    stage.wait_until_done()
    assert once.exists(), "nobody was killed"
    ids = {job.pk for job in new}
    assert Job.objects.completed().filter(pk__in=ids).count() == 10
    runs = sum(one.what == "end" for one in stage.traces() if one.job_id in ids)
    if point == "atomic.ended":
        assert runs > 10, "its work was lost with it, and done again"


@pytest.mark.fault("F4")
@pytest.mark.only("postgresql")
def test_a_frozen_worker_commits_nothing_of_an_atomic_job(stage: Stage) -> None:
    (job,) = stage.enqueue(jobs.exactly, opens=str(stage.gate()))
    queues = ("--queues", "default:1,children:1")
    frozen = stage.worker("--name", "frozen", *queues, "--no-services")
    stage.wait_for_starts()
    # The parent alone: the job goes on, and nobody renews its lease.
    freeze([frozen.pid])
    stage.worker("--name", "heir", *queues)
    stage.wait_for_starts(2)
    stage.gate().touch()
    stage.wait_until_done()
    job.refresh_from_db()
    assert (job.status, job.result) == (Status.COMPLETED, 2)
    thaw([frozen.pid])


@pytest.mark.fault("F4")
@pytest.mark.fault("F49")
def test_a_frozen_worker_writes_nothing_after_its_lease(stage: Stage) -> None:
    """Progress, finish, renewal and release of the stale holder all hit no row."""
    (job,) = stage.enqueue(jobs.gate, opens=str(stage.gate()))
    frozen = stage.worker("--name", "frozen", "--queues", "default:1", "--no-services")
    stage.wait_for_starts()
    freeze(frozen.members())
    stage.worker("--name", "heir", "--queues", "default:1")
    stage.wait_for_starts(2)
    thaw(frozen.members())
    # Thawed, the first one still tells of its progress: only the second one's may show.
    wait_until(lambda: _message(job) == "attempt 2", 20, "the heir's progress")
    for _ in range(20):
        time.sleep(0.05)
        assert _message(job) == "attempt 2"
    stage.gate().touch()
    stage.wait_until_done()
    job.refresh_from_db()
    assert (job.status, job.result, job.lease) == (Status.COMPLETED, 2, 2)
    wait_until(lambda: any(words in frozen.output for words in TOO_LATE), 20, "a line about it")


def _message(job: Job) -> str:
    return str(Job.objects.values_list("progress_message", flat=True).get(pk=job.pk))


@pytest.mark.fault("F5")
@pytest.mark.fault("F49")
def test_a_worker_frozen_between_claim_and_start_does_not_start(stage: Stage) -> None:
    (job,) = stage.enqueue(jobs.work)
    once = stage.folder / "once"
    frozen = stage.worker(
        "--name", "frozen", "--no-services", environment={VARIABLE: f"claim.committed=stop:{once}"}
    )
    wait_until(once.exists, 30, "the claim")
    freeze([frozen.pid])
    stage.worker("--name", "heir")
    wait_until(lambda: Job.objects.completed().filter(pk=job.pk).exists(), 30, "the heir")
    thaw(frozen.members())
    stage.enqueue(jobs.work, 1)
    stage.wait_until_done()
    assert [one.attempt for one in stage.traces("start") if one.job_id == job.pk] == [2]


@pytest.mark.fault("F27")
@pytest.mark.parametrize("how", ["sys.exit", "ctrl-c"])
def test_a_job_that_wants_to_end_its_process_only_fails(stage: Stage, how: str) -> None:
    stage.jobs_raise = True
    (job,) = stage.enqueue(jobs.end_badly, how=how)
    worker = stage.worker()
    wait_until(lambda: job.status != Job.objects.get(pk=job.pk).status, 30, "its first attempt")
    children = worker.children()
    stage.wait_until_done()
    job.refresh_from_db()
    assert (job.status, job.failure_count, job.crash_count) == (Status.FAILED, 2, 0)
    assert worker.children() == children, "the worker process was replaced"


@pytest.mark.fault("F29")
def test_a_job_that_uses_up_the_memory_fails_alone(stage: Stage) -> None:
    stage.jobs_raise = True
    (job,) = stage.enqueue(jobs.hungry)
    neighbours = stage.enqueue(jobs.work, 5, seconds=0.5)
    worker = stage.worker()
    stage.wait_until_done()
    job.refresh_from_db()
    assert (job.status, job.failure_count) == (Status.FAILED, 1)
    assert "MemoryError" in job.error
    assert not Job.objects.filter(pk__in=[one.pk for one in neighbours]).exclude(crash_count=0)
    assert worker.exit_code is None


@pytest.mark.fault("F30")
@pytest.mark.parametrize("how", ["python", "c", "system call"])
def test_a_job_that_never_ends_is_ended(stage: Stage, how: str) -> None:
    """Its thread cannot be, so its process is; others lose nothing by it."""
    (job,) = stage.enqueue(jobs.never_ends, how=how)
    worker = stage.worker("--queues", "default:2", KILL_GRACE=0.5, GRACE=2)
    stage.wait_for_starts()
    stage.enqueue(jobs.work, 10, seconds=0.1)
    stage.wait_until_done()
    job.refresh_from_db()
    assert (job.status, job.failure_count, job.crash_count) == (Status.FAILED, 1, 0)
    assert "could not be interrupted" in job.error
    assert not Job.objects.exclude(crash_count=0).exists()
    assert worker.exit_code is None


@pytest.mark.fault("F33")
def test_odd_exceptions_are_recorded(stage: Stage) -> None:
    stage.jobs_raise = True
    odd = ["unspeakable", "surrogate and NUL", "50 MB", "cycle", "recursion", "group", "base"]
    new = {what: stage.enqueue(jobs.raise_oddly, what=what, secret=jobs.CANARY)[0] for what in odd}
    worker = stage.worker()
    stage.wait_until_done(60)
    for what, job in new.items():
        job.refresh_from_db()
        assert (job.status, job.crash_count) == (Status.FAILED, 0), what
        assert 0 < len(job.error) < 100_000, what
        assert "\x00" not in job.error, what
    assert "and it repeats [hidden]" in worker.output
    assert worker.exit_code is None


@pytest.mark.fault("F34")
def test_odd_results_fail_the_job_and_lose_nothing(stage: Stage) -> None:
    stage.jobs_raise = True
    for what in ["nan", "set", "object", "too large", "surrogate"]:
        stage.enqueue(jobs.return_oddly, what=what)
    stage.worker()
    stage.wait_until_done(60)
    for job in Job.objects.all():
        assert (job.status, job.attempt_count) == (Status.FAILED, 1), job.params
        assert "ResultNotSerializable" in job.error, job.params


@pytest.mark.fault("F36")
@pytest.mark.parametrize(
    ("number", "times"), [(signal.SIGTERM, 1), (signal.SIGINT, 2), (signal.SIGTERM, 3)]
)
def test_signals_once_twice_thrice(stage: Stage, number: signal.Signals, times: int) -> None:
    stage.enqueue(jobs.work, 4, seconds=0.5)
    worker = stage.worker("--grace", "5")
    stage.wait_for_starts(2)
    for _ in range(times):
        worker.send(number)
        time.sleep(0.05)  # signals of one kind that wait together are one
    assert worker.wait(30) == 0, worker.output
    stage.worker()
    stage.wait_until_done()
    assert not Job.objects.exclude(crash_count=0, failure_count=0).exists()


@pytest.mark.fault("F36")
def test_sighup_and_a_closed_stdout(stage: Stage) -> None:
    stage.enqueue(jobs.work, 20, seconds=0.05)
    environment = {
        **os.environ,
        "DATABASE_URL": stage.url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        jobs.EFFECTS: str(stage.folder / "effects"),
        "DJANGO_JOBS_LEASE": "3",
        "DJANGO_JOBS_SWEEP_INTERVAL": "0.5",
    }
    reader, writer = os.pipe()
    command = [sys.executable, "manage.py", "runjobs", "--drain", "-v", "2", "--skip-checks"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=writer, stderr=subprocess.DEVNULL
    )
    os.close(writer)
    os.close(reader)  # as `| head` does
    try:
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    stage.wait_until_done()
    # What nohup had the tests ignore the worker would ignore as well.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    hung_up = stage.worker("--name", "hung-up")
    signal.signal(signal.SIGHUP, before)
    stage.enqueue(jobs.gate, opens=str(stage.gate()))
    wait_until(lambda: Job.objects.running().exists(), 30, "the job")
    hung_up.send(signal.SIGHUP)
    wait_until(lambda: hung_up.exit_code is not None, 20, "the end by SIGHUP")
    wait_until(lambda: not hung_up.members(), 10, "its children to go")
    stage.gate().touch()
    stage.worker("--name", "heir")
    stage.wait_until_done()


@pytest.mark.fault("F46")
def test_a_queue_is_paused_while_it_is_claimed_from(stage: Stage, chance: random.Random) -> None:
    stage.enqueue(jobs.work, 60, seconds=0.02)
    stage.worker("--name", "first", "--queues", "default:2")
    stage.worker("--name", "second", "--queues", "default:2")
    stage.wait_for_starts(2)
    for _ in range(4):
        operations.pause_queue("default", by="test")
        # What was claimed before the pause goes on; then nothing starts any more.
        wait_until(lambda: not Job.objects.running().exists(), 30, "running jobs to end")
        started = len(stage.traces("start"))
        time.sleep(chance.uniform(0.3, 0.6))
        assert len(stage.traces("start")) == started
        operations.resume_queue("default")
        time.sleep(chance.uniform(0.0, 0.2))
    stage.wait_until_done()
