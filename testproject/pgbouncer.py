"""PgBouncer in front of PostgreSQL, for the tests: transaction mode, very few connections.

``python -m testproject.pgbouncer`` prints a ``DATABASE_URL`` and serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from testproject.ownserver import OwnServer, find_program
from testproject.postgres import postgres

#: Connections to the server for each database and user.
POOL_SIZE: Final = 2
#: Names the socket; nothing listens on the network.
PORT: Final = 6432

CONFIGURATION: Final = """
[databases]
* = {server}

[pgbouncer]
pool_mode = transaction
default_pool_size = {pool_size}
min_pool_size = 0
reserve_pool_size = 0
max_client_conn = 1000
query_wait_timeout = 30
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
log_connections = 0
log_disconnections = 0
"""


class Pgbouncer(OwnServer):
    """A pooler of our own for the server at ``server_url``; every database name leads there.

    The program comes from the folder ``PGBOUNCER_BIN``, from ``PATH``, or from Debian's package.
    """

    accounts = ("postgres",)

    def __init__(self, server_url: str) -> None:
        self.program = find_program("pgbouncer", "pgbouncer", "PGBOUNCER_BIN")
        self.server = urlsplit(server_url)
        super().__init__()

    @property
    def user(self) -> str:
        """The account that clients and the pooler log in as."""
        return unquote(self.server.username or "postgres")

    @property
    def url(self) -> str:
        """The ``DATABASE_URL`` of the server's first database, through the pooler."""
        name = self.server.path.lstrip("/")
        return f"postgres://{self.user}@:{PORT}/{name}?host={self.folder}"

    def start(self) -> str:
        """Start the pooler, wait until it answers and return its ``DATABASE_URL``."""
        try:
            self.write("users", f'"{self.user}" ""\n')
            configuration = self.write(
                "pgbouncer.ini",
                CONFIGURATION.format(
                    server=self._server(), pool_size=POOL_SIZE, port=PORT, folder=self.folder
                ),
            )
            self.launch([self.program, str(configuration)], self._answers)
        except BaseException:
            self.stop()
            raise
        return self.url

    def _server(self) -> str:
        """Where the server is, as PgBouncer writes it."""
        hosts = parse_qs(self.server.query).get("host", [])
        host = self.server.hostname or (hosts[0] if hosts else "")
        parts = {"host": host, "port": self.server.port or 5432, "user": self.user}
        if self.server.password:
            parts["password"] = unquote(self.server.password)
        return " ".join(f"{name}={value}" for name, value in parts.items() if value)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.connect(f"{self.folder}/.s.PGSQL.{PORT}")
            return True
        return False


@contextmanager
def pgbouncer(server_url: str) -> Iterator[str]:
    """Yield the ``DATABASE_URL`` of a pooler, started for the block, in front of a server."""
    pooler = Pgbouncer(server_url)
    try:
        yield pooler.start()
    finally:
        pooler.stop()


def main() -> None:
    """Serve until a signal says stop."""
    parser = argparse.ArgumentParser(prog="python -m testproject.pgbouncer", description=__doc__)
    parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt), postgres() as server_url, pgbouncer(server_url) as url:
        print(url, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
