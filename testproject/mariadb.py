"""A MariaDB server for the tests, from the programs that the machine has.

``python -m testproject.mariadb`` prints a ``DATABASE_URL`` and serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from testproject.ownserver import OwnServer, find_program

#: Fast and forgetful: a crash of the machine may lose the data.
FORGETFUL: Final = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
)

#: What sites have that never thought of it: text that ignores case, and times that are not UTC.
#: A site must be right all the same.
CARELESS: Final = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--default-time-zone=+05:30",
)


class MariadbServer(OwnServer):
    """One server of our own, reachable only through a unix socket in a temporary folder.

    The programs come from the folder ``MARIADB_BIN``, from ``PATH``, or from Debian's package.
    """

    accounts = ("mysql",)

    def __init__(self) -> None:
        package, variable = "mariadb-server", "MARIADB_BIN"
        self.installer = find_program("mariadb-install-db", package, variable)
        self.program = find_program("mariadbd", package, variable)
        super().__init__()

    @property
    def url(self) -> str:
        """The ``DATABASE_URL`` of the server's database."""
        return f"mysql://root@localhost/jobs?unix_socket={self.folder / 'socket'}"

    def start(self) -> str:
        """Start the server, wait until it answers and return its ``DATABASE_URL``."""
        data = self.folder / "data"
        try:
            self.run(
                [
                    self.installer,
                    "--no-defaults",
                    f"--datadir={data}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--skip-name-resolve",
                ]
            )
            script = self.write("start.sql", "CREATE DATABASE IF NOT EXISTS jobs;\n")
            self.launch(
                [
                    self.program,
                    "--no-defaults",
                    f"--datadir={data}",
                    f"--socket={self.folder / 'socket'}",
                    f"--pid-file={self.folder / 'pid'}",
                    f"--init-file={script}",
                    "--skip-networking",
                    "--skip-log-bin",
                    "--innodb-buffer-pool-size=64M",
                    *FORGETFUL,
                    *CARELESS,
                ],
                self._answers,
            )
        except BaseException:
            self.stop()
            raise
        return self.url

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.connect(str(self.folder / "socket"))
            return True
        return False


@contextmanager
def mariadb() -> Iterator[str]:
    """Yield the environment's ``DATABASE_URL``, or that of a server started for the block."""
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("mysql"):
        yield url
        return
    server = MariadbServer()
    try:
        yield server.start()
    finally:
        server.stop()


def main() -> None:
    """Serve until a signal says stop."""
    argparse.ArgumentParser(prog="python -m testproject.mariadb", description=__doc__).parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt), mariadb() as url:
        print(url, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
