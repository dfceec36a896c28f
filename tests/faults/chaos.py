"""What may happen to workers and their database at random, and the count of it."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import Error, connection

from django_jobs import operations
from django_jobs.exceptions import EnqueueUnavailable, JobsError
from django_jobs.models import Job
from tests.faults import jobs
from tests.faults.ledger import Account, account
from tests.faults.stage import Stage
from tests.harness.workers import WorkerProcess

#: Never more jobs than this wait, so that what is tried is not how fast a queue drains.
MOST_WAITING = 3000


#: What a supervisor says after more than a second without a turn at SQLite's lock, where it ends no
#: process for it.
STARVED = re.compile(r"The heartbeat works again after (?!0\.)")


def name_of(worker: WorkerProcess) -> str:
    """The name that its transitions bear."""
    return worker.arguments[worker.arguments.index("--name") + 1]


@dataclass
class Chaos:
    """Acts on the workers of a stage until the time is up."""

    stage: Stage
    chance: random.Random
    start_worker: Callable[[str], WorkerProcess]
    fleet: list[WorkerProcess] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    #: pid → when it was killed, by the clock of the traces
    killed: dict[int, float] = field(default_factory=dict)
    #: when which worker was killed or frozen, as a whole or in part
    struck: list[tuple[float, str]] = field(default_factory=list)
    _started: int = 0

    def fill_fleet(self, size: int) -> None:
        """Start workers until there are as many as there should be."""
        self.fleet = [worker for worker in self.fleet if worker.exit_code is None]
        while len(self.fleet) < size:
            self._started += 1
            self.fleet.append(self.start_worker(f"worker-{self._started}"))

    def produce(self, batch: int = 60) -> None:
        """Enqueue a mixture of jobs, if there are not too many."""
        try:
            if Job.objects.pending().count() > MOST_WAITING:
                return
            chance = self.chance
            self.stage.enqueue(jobs.work, batch)
            self.stage.enqueue(jobs.work, batch // 10, seconds=chance.uniform(0.01, 0.5))
            self.stage.enqueue(jobs.later_fails, batch // 10, failures=1, secret=jobs.CANARY)
            self.stage.enqueue(jobs.look, batch // 10)
            self.stage.enqueue(jobs.work.using(delay=chance.uniform(0, 5)), batch // 10)
            self.stage.enqueue(jobs.exactly, batch // 20)
            self.stage.enqueue(jobs.isolated, 1, seconds=chance.uniform(0, 0.5))
            self.stage.enqueue(jobs.exactly, 1, seconds=chance.uniform(0, 0.5))
        except (EnqueueUnavailable, Error):
            self.counts["enqueues refused"] += 1
            connection.close()

    def strike(self) -> None:
        """One random misfortune."""
        act = self.chance.choices(
            [self.kill_child, self.kill_all, self.freeze, self.pause, self.cancel, self.terminate],
            weights=[6, 2, 2, 1, 2, 1],
        )[0]
        with suppress(Error, JobsError, ProcessLookupError):
            act()

    def kill_child(self) -> None:
        """SIGKILL for one worker process."""
        victim = self.chance.choice(self.fleet)
        children = victim.children()
        if children:
            pid = self.chance.choice(children)
            self._note(victim)
            self.killed[pid] = time.time()
            os.kill(pid, signal.SIGKILL)
            self.counts["SIGKILL"] += 1

    def kill_all(self) -> None:
        """A worker's host loses its power."""
        victim = self.chance.choice(self.fleet)
        self._note(victim)
        for pid in victim.children():
            self.killed[pid] = time.time()
        victim.kill()
        self.counts["SIGKILL"] += 1
        self.fill_fleet(len(self.fleet))

    def freeze(self) -> None:
        """A worker's host stands still for longer than a lease."""
        victim = self.chance.choice(self.fleet)
        members = victim.members()
        if connection.vendor == "sqlite" or not members:
            return  # it might hold the one lock
        self._note(victim)
        for pid in members:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(1, 5))
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.counts["freeze"] += 1

    def _note(self, victim: WorkerProcess) -> None:
        self.struck.append((time.time(), name_of(victim)))

    def pause(self) -> None:
        """An operator pauses the queue for a moment."""
        operations.pause_queue("default", by="chaos")
        time.sleep(0.2)
        operations.resume_queue("default", by="chaos")
        self.counts["pause"] += 1

    def cancel(self) -> None:
        """An operator cancels a few jobs, and retries some that gave up."""
        some = list(Job.objects.waiting().values_list("pk", flat=True)[:5])
        operations.cancel(some, by="chaos")
        ended = list(Job.objects.filter(status="cancelled").values_list("pk", flat=True)[:3])
        operations.retry(ended, by="chaos")
        self.counts["cancel and retry"] += 1

    def terminate(self) -> None:
        """The administrator ends every connection."""
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            self.counts["connections terminated"] += 1

    def account(self) -> Account:
        """What came of it all."""
        unheard: set[str] = set()
        if connection.vendor == "sqlite":
            unheard = {name_of(one) for one in self.stage.workers if STARVED.search(one.output)}
        return account(self.stage.traces(), self.killed, self.struck, unheard)
