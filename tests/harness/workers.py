"""Real worker processes, none of which outlives its test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Protocol

import psutil

from tests.harness.environment import ROOT, subprocess_environment


class WorkerProcess:
    """A running ``manage.py`` command with all the processes that descend from it."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.arguments = arguments
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        # A session of its own: its members stay recognisable when their parents are gone.
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._process.pid

    @property
    def output(self) -> str:
        """All that the processes wrote until now."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    @property
    def exit_code(self) -> int | None:
        """The exit code of the command, None while it runs."""
        return self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the command itself."""
        self._process.send_signal(number)

    def wait(self, timeout: float = 30.0) -> int:
        """Wait for the command's end (seconds) and return its exit code."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            text = f"{self.arguments} still runs after {timeout} s:\n{self.output}"
            raise AssertionError(text) from None

    def members(self) -> list[int]:
        """The ids of all living processes of the command."""
        return [pid for pid in psutil.pids() if self._is_member(pid)]

    def children(self) -> list[int]:
        """The ids of the living processes that the command started, without theirs."""
        others = set(self.members()) - {self.pid}
        return sorted(pid for pid in others if _parent(pid) not in others)

    def kill(self) -> None:
        """Kill all processes of the command at once, as a power cut would."""
        while living := self.members():
            for pid in living:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
        self._process.wait()

    def close(self) -> None:
        """Kill what still lives and show what was written, for the report of a failed test."""
        self.kill()
        print(f"--- manage.py {' '.join(self.arguments)} → {self.exit_code}\n{self.output}")
        self._output.close()

    def _is_member(self, pid: int) -> bool:
        try:
            member = os.getsid(pid) == self.pid
            return member and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False


def _parent(pid: int) -> int:
    try:
        return psutil.Process(pid).ppid()
    except psutil.NoSuchProcess:
        return 0


class StartWorker(Protocol):
    """Start ``manage.py runjobs`` with arguments and keys of DJANGO_JOBS.

    ``database_url``: another way to the test database.
    """

    def __call__(
        self,
        *arguments: str,
        command: str = "runjobs",
        database_url: str | None = None,
        **configuration: object,
    ) -> WorkerProcess: ...


@contextmanager
def starting_workers() -> Iterator[StartWorker]:
    """Yield the function that starts workers; all of them are gone after the block."""
    started: list[WorkerProcess] = []

    def start(
        *arguments: str,
        command: str = "runjobs",
        database_url: str | None = None,
        **configuration: object,
    ) -> WorkerProcess:
        environment = subprocess_environment(**configuration)
        if database_url is not None:
            environment["DATABASE_URL"] = database_url
        # A fifth of a worker's start would be Django's checks; the demo starts one with them.
        unchecked = ["--skip-checks"] if command == "runjobs" else []
        worker = WorkerProcess((command, *arguments, *unchecked), environment)
        started.append(worker)
        return worker

    try:
        yield start
    finally:
        for worker in started:
            worker.close()
