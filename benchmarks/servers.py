"""The servers of a run: a PostgreSQL that forgets nothing, and Redis where a peer needs it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psutil

from benchmarks.processes import family
from testproject.postgres import PostgresServer

#: Everything else is PostgreSQL's default.
SETTINGS: Final = ("max_connections=600",)


class DurablePostgres(PostgresServer):
    """A server of our launcher with fsync and synchronous_commit on."""

    def __init__(self) -> None:
        self.port = free_port()
        address = ("listen_addresses=127.0.0.1", f"port={self.port}")
        super().__init__(durable=True, settings=(*SETTINGS, *address))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def dsn(self, database: str, *, tcp: bool = False) -> str:
        """The address of a database, through the socket file unless a peer knows only TCP."""
        if tcp:
            return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        query = f"host={quote(str(self.folder), safe='')}&port={self.port}"
        return f"postgresql://postgres@/{database}?{query}"

    def processes(self) -> list[psutil.Process]:
        """The server's own and one for each connection."""
        lines = (self.data / "postmaster.pid").read_text().splitlines()
        return family(int(lines[0]))


class Redis:
    """A Redis on the loopback that keeps nothing on the disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_installed() -> bool:
        """Whether there is a server to start."""
        return shutil.which("redis-server") is not None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", "/"]
        options += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_until_it_answers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def processes(self) -> list[psutil.Process]:
        """The server's process."""
        return family(self._process.pid) if self._process else []

    def flush(self) -> None:
        """Forget everything."""
        if self._ask(b"FLUSHALL") != b"+OK\r\n":
            raise RuntimeError("Redis did not empty itself.")

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(command + b"\r\n")
            return connection.recv(100)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                self._ask(b"PING")
            except OSError:
                if time.monotonic() > deadline:
                    self.__exit__(None, None, None)
                    raise
                time.sleep(0.05)
            else:
                return


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def programs_version(folder: Path) -> str:
    """What the server program says about itself."""
    command = [str(folder / "postgres"), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
