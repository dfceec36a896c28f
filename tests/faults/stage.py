"""A stage for a fault: a database, workers, a producer that remembers what was acknowledged."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection

from django_jobs.definitions import JobDefinition
from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.models import Job
from tests.faults import invariants, jobs
from tests.faults.invariants import Trace
from tests.harness.waiting import wait_until
from tests.harness.workers import WorkerProcess

#: Leases, sweeps and polls in seconds: short, so that a test need not wait long for a rescue.
TIMES: Mapping[str, float] = {
    "LEASE": 3,
    "SWEEP_INTERVAL": 0.5,
    "POLL_INTERVAL": 0.2,
    "BACKOFF_BASE": 0.1,
}
#: Seconds within which everything must be well again after a fault (I7), on a busy machine.
RECOVERY = 45.0
#: Seconds for which somebody keeps everybody else from writing: longer than a lease.
LONG_LOCK = 6.0


class Stage:
    """What a fault test acts on. ``verify()`` checks every invariant at its end."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.acknowledged: list[UUID] = []
        self.workers: list[WorkerProcess] = []
        #: Whether jobs end by exceptions, whose tracebacks belong into the log.
        self.jobs_raise = False
        self._is_verified = False
        self._began = time.monotonic()
        self._effects = folder / "effects"
        self._effects.touch()

    @property
    def vendor(self) -> str:
        """The kind of the database."""
        return connection.vendor

    # Producing

    def enqueue(
        self, definition: JobDefinition[Any, Any], count: int = 1, **params: Any
    ) -> list[Job]:
        """Enqueue jobs and remember that this was acknowledged."""
        new = definition.later_many([params] * count)
        self.acknowledged += [job.pk for job in new]
        return new

    def enqueue_through_faults(
        self, definition: JobDefinition[Any, Any], count: int, every: float
    ) -> int:
        """Enqueue one after the other, whatever happens; return how many were refused."""
        refused = 0
        for _ in range(count):
            try:
                self.enqueue(definition)
            except EnqueueUnavailable:
                refused += 1
                connection.close()
            time.sleep(every)
        return refused

    # Working

    def worker(
        self,
        *arguments: str,
        url: str | None = None,
        environment: Mapping[str, str] | None = None,
        **configuration: object,
    ) -> WorkerProcess:
        """Start ``runjobs``."""
        settings = {**TIMES, **configuration}
        worker = WorkerProcess(
            ("runjobs", *arguments, "--skip-checks"),
            {
                **os.environ,
                "DATABASE_URL": url or self.url,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "PYTHONUNBUFFERED": "1",
                jobs.EFFECTS: str(self._effects),
                **{f"DJANGO_JOBS_{key}": str(value) for key, value in settings.items()},
                **(environment or {}),
            },
        )
        self.workers.append(worker)
        return worker

    def traces(self, what: str | None = None) -> list[Trace]:
        """What the bodies of jobs have left, in order."""
        found = [Trace.parse(line) for line in self._effects.read_text().splitlines()]
        return [one for one in found if what in (None, one.what)]

    def forget_traces(self) -> None:
        """Begin anew, with a database that has forgotten, too."""
        self._effects.write_text("")

    def wait_for_starts(self, count: int = 1, timeout: float = 30.0) -> list[Trace]:
        """Wait until as many bodies have begun."""
        wait_until(lambda: len(self.traces("start")) >= count, timeout, f"{count} starts")
        return self.traces("start")

    def wait_until_done(self, timeout: float = RECOVERY) -> None:
        """Wait until no job has work ahead."""
        wait_until(lambda: not invariants.unfinished(), timeout, "every job to end")

    def gate(self, name: str = "gate") -> Path:
        """The path of a file that jobs wait for."""
        return self.folder / name

    # The end

    def verify(self) -> None:
        """Check the invariants, once; every job must have ended by now."""
        if self._is_verified:
            return
        self._is_verified = True
        invariants.check_nothing_is_stuck()
        self.stop_workers()
        invariants.check_rows(self.acknowledged, self.traces())
        outputs = [worker.output for worker in self.workers]
        seconds = time.monotonic() - self._began
        invariants.check_logs(outputs, seconds, jobs_raise=self.jobs_raise)
        wait_until(lambda: not invariants.leftovers_of_server(), 20, "I8: other connections to end")
        invariants.check_file()

    def stop_workers(self) -> None:
        """Ask those that live to stop: they must, and leave no process behind."""
        living = [worker for worker in self.workers if worker.exit_code is None]
        for worker in living:
            # Before it runs, it takes no signals.
            wait_until(lambda w=worker: "Ctrl-C" in w.output or w.exit_code is not None, 30)
            worker.send(signal.SIGTERM)
        for worker in living:
            code = worker.wait(60)
            assert code == 0, f"I8: a worker ended with {code}:\n{worker.output[-3000:]}"
        for worker in self.workers:
            wait_until(lambda w=worker: not w.members(), 10, "I8: processes to end")

    def close(self) -> None:
        """Kill what is left, and show what the workers said."""
        for worker in self.workers:
            worker.close()


@contextmanager
def on_stage(url: str, folder: Path) -> Iterator[Stage]:
    """A stage whose workers are gone after the block; what it saw is verified if all went well."""
    stage = Stage(url, folder)
    try:
        yield stage
        stage.verify()
    finally:
        stage.close()
