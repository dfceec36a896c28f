"""Figures for the documentation; with ``--soak`` only: they take minutes and a quiet machine."""

from __future__ import annotations

import random
import time
from collections import Counter
from statistics import median
from uuid import UUID

import pytest
from django.db import connection

from django_jobs.models import JobTransition
from django_jobs.states import Status
from tests.faults import jobs
from tests.faults.stage import Stage
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

DEFAULTS = {"LEASE": 60, "SWEEP_INTERVAL": 15, "POLL_INTERVAL": 1, "BACKOFF_BASE": 15}


@pytest.mark.parametrize(
    "settings", [DEFAULTS, {**DEFAULTS, "LEASE": 10}], ids=["default", "LEASE=10"]
)
def test_recovery_after_kill_minus_nine(
    stage: Stage,
    chance: random.Random,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, float],
) -> None:
    """Whole workers are killed, parent and all: how long until each job runs again?"""
    count = 12
    stage.enqueue(jobs.gate, count, opens=str(stage.gate()))
    victims = [
        stage.worker("--name", f"victim-{n}", "--queues", "default:1", "--no-services", **settings)
        for n in range(count)
    ]
    pids = {one.pid: one.job_id for one in stage.wait_for_starts(count, 120)}
    killed: dict[UUID, float] = {}
    stage.worker("--name", "heir", "--queues", f"default:{count}", **settings)
    for victim in victims:
        # Anywhere between two renewals.
        time.sleep(chance.uniform(0, settings["LEASE"] / 4 / 3))
        (job_id,) = {pids[pid] for pid in victim.children() if pid in pids}
        killed[job_id] = time.time()
        victim.kill()
    stage.wait_for_starts(2 * count, 200)
    stage.gate().touch()
    stage.wait_until_done()
    claims = JobTransition.objects.filter(to_status=Status.RUNNING, attempt=2)
    waits = sorted(one.at.timestamp() - killed[one.job_id] for one in claims)
    bound = settings["LEASE"] + 1.2 * (settings["SWEEP_INTERVAL"] + settings["POLL_INTERVAL"])
    with capsys.disabled():
        print(
            f"\nrecovery on {connection.vendor}, {settings}: {len(waits)} kills, "
            f"median {median(waits):.1f} s, worst {waits[-1]:.1f} s, promised {bound:.1f} s"
        )
    assert waits[-1] < bound + 2.0


@pytest.mark.only("postgresql")
def test_many_idle_and_many_busy_workers(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """64 idle and 32 busy processes of 24 workers share one server."""
    quiet = {"LEASE": 60, "SWEEP_INTERVAL": 15, "POLL_INTERVAL": 1}
    for n in range(16):
        stage.worker("--name", f"idle-{n}", "--queues", "idle:4", "--processes", "4", **quiet)
    for n in range(8):
        stage.worker("--name", f"busy-{n}", "--queues", "default:2", "--processes", "4", **quiet)
    wait_until(lambda: all("Ctrl-C" in one.output for one in stage.workers), 240, "the workers")
    time.sleep(10)
    idle = _connections()
    deadlocks = _deadlocks()
    began = time.monotonic()
    stage.enqueue(jobs.work, 4000, seconds=0.02)
    stage.wait_until_done(300)
    seconds = time.monotonic() - began
    shares = Counter(one.pid for one in stage.traces("start"))
    assert [one.exit_code for one in stage.workers] == [None] * 24, "an exit storm"
    assert _deadlocks() == deadlocks
    with capsys.disabled():
        counts = sorted(shares.values())
        print(
            f"\n64 idle and 32 busy processes: 4,000 jobs of 20 ms in {seconds:.1f} s, "
            f"{len(counts)} processes had work: {counts[0]} to {counts[-1]} jobs each, "
            f"median {median(counts)}; no deadlock, no process ended; "
            f"{idle} connections before the jobs came, {_connections()} after them"
        )


def _deadlocks() -> int:
    return _statistic("deadlocks")


def _connections() -> int:
    return _statistic("numbackends")


def _statistic(column: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
