"""Many workers, odd clocks, several releases, changing tables."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from django_jobs.exceptions import PayloadTooLarge
from django_jobs.models import CronJob, CronSlot, Job, JobTransition
from django_jobs.states import Status
from tests.faults import jobs
from tests.faults.stage import Stage
from tests.harness.freezing import freeze, thaw
from tests.harness.waiting import wait_until

#: Tells a program another time of day; intervals are measured as ever. (libfaketime breaks the
#: sleeps of Python 3.11 and later, which it takes for moments of the faked clock.)
WRONG_CLOCK = """
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t skew(void) { const char *s = getenv("CLOCK_SKEW"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t clock, struct timespec *now) {
    int code = syscall(SYS_clock_gettime, clock, now);
    if (!code && clock == CLOCK_REALTIME) now->tv_sec += skew();
    return code;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    int code = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec; now->tv_usec = exact.tv_nsec / 1000;
    return code;
}
time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out) *out = exact.tv_sec;
    return exact.tv_sec;
}
"""
COMPILER = shutil.which("cc")


@pytest.mark.fault("F19")
@pytest.mark.fault("F49")
def test_many_workers_share_many_empty_jobs(stage: Stage) -> None:
    count = 3000 if stage.vendor == "sqlite" else 6000
    for name in ("one", "two"):
        stage.worker("--name", name, "--queues", "default:2", "--processes", "4")
    wait_until(lambda: all("Ctrl-C" in one.output for one in stage.workers), 60, "the workers")
    stage.enqueue(jobs.work, count)
    stage.wait_until_done(90)
    starts = stage.traces("start")
    assert len(starts) == count, "an empty job ran twice although nobody was killed"
    by_process = Counter(one.pid for one in starts)
    assert len(by_process) >= 3, f"few processes did everything: {by_process}"
    assert not Job.objects.filter(crash_count__gt=0)


@pytest.mark.fault("F21")
def test_several_schedulers_fire_each_slot_once(stage: Stage) -> None:
    entry = CronJob.objects.create(
        name="faults",
        job_name="faults.scheduled",
        cron_expression="* * * * *",
        missed_policy="all",
        missed_max=30,
        next_run_at=timezone.now() - timedelta(minutes=20),
        enabled=False,
    )
    workers = [stage.worker("--name", f"worker-{n}") for n in range(3)]
    wait_until(lambda: all("Ctrl-C" in one.output for one in workers), 60, "the workers")
    sleeper = workers[0].members()
    freeze(sleeper)
    CronJob.objects.filter(pk=entry.pk).update(enabled=True)
    wait_until(lambda: CronSlot.objects.filter(cron_job=entry).count() >= 20, 30, "the slots")
    thaw(sleeper)
    stage.wait_until_done()
    CronJob.objects.filter(pk=entry.pk).update(enabled=False)
    stage.wait_until_done()
    slots = list(CronSlot.objects.filter(cron_job=entry, outcome="fired"))
    assert len({slot.slot_at for slot in slots}) == len(slots)
    fired = {slot.job_id for slot in slots}
    assert len(fired) == len(slots)
    there = Job.objects.filter(job_name="faults.scheduled").values_list("pk", flat=True)
    assert set(there) == fired


@pytest.mark.fault("F22")
@pytest.mark.only("postgresql")
@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler: apt-get install gcc")
def test_only_the_clock_of_the_database_decides(stage: Stage) -> None:
    library = stage.folder / "wrong_clock.so"
    (stage.folder / "wrong_clock.c").write_text(WRONG_CLOCK)
    source = stage.folder / "wrong_clock.c"
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, source], check=True)
    for name, seconds in {
        "fast": 300,
        "slow": -300,
        "tomorrow": 86400,
        "yesterday": -86400,
    }.items():
        environment = {"LD_PRELOAD": str(library), "CLOCK_SKEW": str(seconds)}
        stage.worker("--name", name, "--queues", "default:2", environment=environment)
    wait_until(lambda: all("Ctrl-C" in one.output for one in stage.workers), 60, "the workers")
    later = jobs.work.using(delay=4.0)
    stage.enqueue(later, 10)
    stage.enqueue(jobs.work, 4, seconds=5.0)  # longer than a lease
    stage.wait_until_done()
    assert not Job.objects.exclude(crash_count=0).exists(), "a lease was taken for expired"
    assert not Job.objects.exclude(attempt_count=1).exists()
    for claim in JobTransition.objects.filter(to_status=Status.RUNNING).select_related("job"):
        # The moment of a claim is when its statement began, a blink before it read the table.
        assert claim.at >= claim.job.scheduled_for - timedelta(seconds=1), "it ran early"


@pytest.mark.fault("F24")
def test_tables_change_under_running_workers(stage: Stage) -> None:
    """What the next release's migration may do while this release still works."""
    workers = [stage.worker("--name", name, "--queues", "default:4") for name in ("one", "two")]
    stage.enqueue(jobs.work, 100, seconds=0.02)
    stage.wait_for_starts(4)
    concurrently = "CONCURRENTLY" if stage.vendor == "postgresql" else ""
    for statement in (
        "ALTER TABLE django_jobs_job ADD COLUMN of_the_future varchar(20) NULL",
        "ALTER TABLE django_jobs_jobtransition ADD COLUMN of_the_future integer DEFAULT 0",
        f"CREATE INDEX {concurrently} faults_index ON django_jobs_job (of_the_future)",
        f"DROP INDEX {concurrently} faults_index",
    ):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        stage.enqueue(jobs.work, 50)
    stage.wait_until_done()
    for statement in (
        "ALTER TABLE django_jobs_job DROP COLUMN of_the_future",
        "ALTER TABLE django_jobs_jobtransition DROP COLUMN of_the_future",
    ):
        with connection.cursor() as cursor:
            cursor.execute(statement)
    stage.enqueue(jobs.work, 50)
    stage.wait_until_done()
    assert [worker.exit_code for worker in workers] == [None, None]
    assert not Job.objects.exclude(attempt_count=1).exists()


@pytest.mark.fault("F24")
def test_new_code_does_not_start_on_old_tables(stage: Stage) -> None:
    call_command("migrate", "django_jobs", "0001", verbosity=0)
    worker = stage.worker()
    assert worker.wait(30) == 3
    assert "migrate" in worker.output
    call_command("migrate", verbosity=0)
    stage.enqueue(jobs.work, 3)
    stage.worker()
    stage.wait_until_done()


@pytest.mark.fault("F25")
def test_old_and_new_code_side_by_side(stage: Stage) -> None:
    """What only the new code knows waits for it; the old code's worker goes on."""
    with transaction.atomic():
        new = stage.enqueue(jobs.work, 5)
        Job.objects.filter(pk__in=[job.pk for job in new]).update(job_name=jobs.NEW_NAME)
    stage.worker("--name", "old-code", "--queues", "default:4")
    stage.enqueue(jobs.work, 20)
    wait_until(lambda: Job.objects.completed().count() == 20, 30, "the known jobs")
    assert Job.objects.pending().filter(job_name=jobs.NEW_NAME, attempt_count=0).count() == 5
    stage.worker("--name", "new-code", "--queues", "default:4", environment={jobs.RELEASE: "2"})
    stage.wait_until_done()


@pytest.mark.fault("F26")
def test_a_module_that_cannot_be_imported_keeps_the_worker_from_starting(stage: Stage) -> None:
    stage.jobs_raise = True  # that is what it shows
    worker = stage.worker(environment={jobs.BROKEN: "1"})
    assert worker.wait(30) not in (0, None)
    assert "faults/jobs.py" in worker.output
    assert "this module cannot be imported" in worker.output
    stage.enqueue(jobs.work, 3)
    stage.worker()
    stage.wait_until_done()


@pytest.mark.fault("F35")
def test_large_payloads(stage: Stage) -> None:
    with pytest.raises(PayloadTooLarge):
        jobs.work.later(secret="x" * 10_000_000)
    large = "x" * 200_000
    for _ in range(4):
        stage.enqueue(jobs.work, 25, secret=large)
    stage.worker("--queues", "default:5")
    stage.wait_until_done()


@pytest.mark.fault("F39")
@pytest.mark.only("postgresql")
def test_a_pool_is_not_inherited_by_forked_processes(stage: Stage, chance: random.Random) -> None:
    worker = stage.worker(
        "--queues", "default:4", "--processes", "2", environment={"RUNJOBS_TESTS_POOL": "1"}
    )
    stage.enqueue(jobs.look, 200)
    stage.wait_for_starts(20)
    for _ in range(3):
        os.kill(chance.choice(worker.children()), signal.SIGKILL)
        stage.enqueue(jobs.look, 100)
        time.sleep(0.5)
    stage.wait_until_done()
    assert worker.exit_code is None
    assert Job.objects.filter(completed_at__lte=Now()).count() == 500
