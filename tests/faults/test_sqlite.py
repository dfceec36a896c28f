"""SQLite: one file, one writer, and processes that die while they write."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from pathlib import Path

import pytest
from django.db import connection

from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.models import Job
from tests.faults import jobs
from tests.faults.stage import LONG_LOCK, Stage
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.only("sqlite3")


@pytest.mark.fault("F48")
def test_writers_are_killed_while_they_write(stage: Stage, chance: random.Random) -> None:
    workers = [
        stage.worker("--name", f"worker-{n}", "--queues", "default:2", "--processes", "2")
        for n in range(4)
    ]
    wait_until(lambda: all("Ctrl-C" in one.output for one in workers), 60, "the workers")
    stage.enqueue(jobs.work, 300)
    for _ in range(6):
        time.sleep(chance.uniform(0.05, 0.3))
        victim = chance.choice(workers)
        if children := victim.children():
            os.kill(chance.choice(children), signal.SIGKILL)
        stage.enqueue(jobs.work, 50)
    workers.pop().kill()
    stage.enqueue(jobs.work, 50)
    stage.wait_until_done(60)
    assert Job.objects.completed().count() == 650


@pytest.mark.fault("F48")
def test_another_process_holds_the_file(stage: Stage) -> None:
    """Workers wait, and nothing is half done; who enqueues waits as long as it is told to."""
    worker = stage.worker("--queues", "default:4")
    stage.enqueue(jobs.work, 50, seconds=0.05)
    stage.wait_for_starts(4)
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), timeout=30)
    try:
        other.execute("BEGIN EXCLUSIVE")
        connection.cursor().execute("PRAGMA busy_timeout = 200")
        with pytest.raises(EnqueueUnavailable):
            jobs.work.later()
        time.sleep(LONG_LOCK)
        other.rollback()
    finally:
        other.close()
    connection.close()
    stage.enqueue(jobs.work, 5)
    stage.wait_until_done()
    assert worker.exit_code is None


@pytest.mark.fault("F48")
def test_the_log_beside_the_file_is_deleted(stage: Stage) -> None:
    """What was in the log is lost, as SQLite says; what remains is whole and goes on."""
    stage.enqueue(jobs.work, 20)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()  # the last one to close the file would empty the log
    worker = stage.worker("--name", "first")
    stage.wait_for_starts(20)
    worker.kill()
    file = Path(str(connection.settings_dict["NAME"]))
    file.with_name(f"{file.name}-wal").unlink()
    file.with_name(f"{file.name}-shm").unlink()
    assert Job.objects.pending().count() == 20, "nothing was lost"
    stage.forget_traces()  # nobody remembers those attempts
    stage.enqueue(jobs.work, 20)
    stage.worker("--name", "second")
    stage.wait_until_done()
