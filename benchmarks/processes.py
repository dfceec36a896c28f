"""Processes that the benchmarks start, what they cost, and their certain end."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[1]

#: Seconds that a process gets between SIGTERM and SIGKILL.
GRACE: Final = 20.0


class Failed(RuntimeError):
    """A measured process ended badly, or did not end in time."""


class ProcessTree:
    """A started program with all that descends from it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._asked = False
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        # A session of its own: its members stay recognisable when their parents are gone.
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._process.pid

    @property
    def output(self) -> str:
        """All that was written until now."""
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def wait(self, timeout: float) -> str:
        """Wait for the end of a program that shall end by itself; return its output."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self._name()} still runs after {timeout:.0f} s") from None
        if code:
            raise Failed(f"{self._name()} ended with {code}:\n{self.output[-3000:]}")
        return self.output

    def check(self) -> None:
        """Raise if a program that shall run on has ended."""
        if self._process.poll() is not None:
            code = self._process.returncode
            raise Failed(f"{self._name()} ended early with {code}:\n{self.output[-3000:]}")

    def members(self) -> list[psutil.Process]:
        """The living processes."""
        return [psutil.Process(pid) for pid in psutil.pids() if self._owns(pid)]

    def ask_to_stop(self) -> None:
        """Send SIGTERM, unless it was sent: a second one may mean hurry."""
        if not self._asked and self._process.poll() is None:
            self._asked = True
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """SIGTERM, patience, SIGKILL for whatever is left."""
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """End everything at once."""
        for member in self.members():
            with suppress(psutil.Error):
                member.kill()
        self._process.wait()
        self._output.close()

    def _owns(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self.pid and _is_alive(pid)
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            return False

    def _name(self) -> str:
        return " ".join(Path(part).name if "/" in part else part for part in self._command)


def _is_alive(pid: int) -> bool:
    return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)


def family(pid: int) -> list[psutil.Process]:
    """A process and its living descendants."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """What they used until now, with that of their children that have ended."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def peak_memory(processes: Iterable[psutil.Process]) -> float:
    """The sum of their largest resident sizes in MiB."""
    total = 0
    for process in processes:
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text()
            fields = dict(line.split(":", 1) for line in status.splitlines())
            total += int(fields.get("VmHWM", "0").split()[0])
    return total / 1024
