"""A relay in front of the database server that can fall silent: its connections stay up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import quote

from django.db import connection


class Relay:
    """Forwards from a port of the loopback to the test database's server."""

    def __init__(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as probe:
            self.port: int = probe.getsockname()[1]
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self._is_silent = False

    @property
    def database_url(self) -> str:
        """The test database, reached through the relay."""
        settings: dict[str, Any] = connection.settings_dict
        account = f"{quote(settings['USER'], safe='')}:{quote(settings['PASSWORD'], safe='')}"
        name = quote(str(settings["NAME"]), safe="")
        return f"postgres://{account}@127.0.0.1:{self.port}/{name}"

    def open(self) -> None:
        """Take connections; before, they are refused."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def close(self) -> None:
        """Refuse connections and cut those that are there."""
        if self._listener is not None:
            # Only this wakes the thread that waits for the next one.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self._cut_all()

    def fall_silent(self) -> None:
        """Keep all connections, and take new ones, but pass nothing on any more."""
        self._is_silent = True

    def recover(self) -> None:
        """Pass on what new connections say; those that met the silence are cut."""
        self._cut_all()
        self._is_silent = False

    def _cut_all(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = _connect_to_server()
                self._ends += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=[source, target], daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self._is_silent:
                    target.sendall(data)
        if not self._is_silent:
            with suppress(OSError):
                target.shutdown(socket.SHUT_RDWR)
        source.close()


def _connect_to_server() -> socket.socket:
    settings: dict[str, Any] = connection.settings_dict
    host = settings["OPTIONS"].get("host") or settings["HOST"] or "127.0.0.1"
    port = settings["PORT"] or 5432
    if not host.startswith("/"):
        return socket.create_connection((host, int(port)))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


@contextmanager
def relay() -> Iterator[Relay]:
    """A relay that is open during the block."""
    one = Relay()
    one.open()
    try:
        yield one
    finally:
        one.close()
