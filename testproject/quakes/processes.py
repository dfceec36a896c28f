"""The processes of the demo: none of them outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Self

from django.conf import settings
from django.core.management.base import CommandError

from testproject.quakes import files

HOST: Final = "127.0.0.1"

#: Seconds that a process gets to end by itself.
FAREWELL: Final = 20.0


class Interruption:
    """Whether somebody asked us to stop. Within the block, signals only say so.

    An exception out of a signal handler could strike between the start of a process and the
    note that it was started, and nobody would ever stop it.
    """

    SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in self.SIGNALS:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True


class Subprocesses:
    """``manage.py`` commands that run beside us and end with the block."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, *arguments: str) -> None:
        """Start a command; it writes to a log file called after ``name``."""
        log = log_file(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._running[name] = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                # Ctrl-C goes to us alone: we stop the others, in order.
                process_group=0,
            )

    def check(self) -> None:
        """Raise ``CommandError`` if a process ended before its time."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise CommandError(
                    f"The {name} ended with code {process.returncode}; "
                    f"{files.shown(log_file(name))} tells why."
                )

    def stop(self) -> None:
        """Ask all to end, wait for them, and end those that do not."""
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + FAREWELL
        for process in self._running.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._running.clear()


def log_file(name: str) -> Path:
    """Where a process writes to."""
    return files.output_folder() / f"{name}.log"


def refuse_busy_port(port: int) -> None:
    """Raise ``CommandError`` if nobody could serve there."""
    with socket.socket() as probe:
        # As the server will do: a port that was in use a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"--port: {HOST}:{port} can't be used ({error.strerror}); choose another one.",
                returncode=2,
            ) from error
