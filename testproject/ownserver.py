"""What the launchers of servers share: a folder of their own, and an account that is not root's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

#: Seconds that a server gets to start, and to stop before it is killed.
PATIENCE: Final = 60.0


class ServerNotFound(RuntimeError):
    """A server program was not found on this machine, or can't be run."""


def unprivileged_account(*names: str) -> pwd.struct_passwd | None:
    """The first of these accounts that exists, to run a server as; None unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in (*names, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerNotFound(f"Servers refuse root, and there is no account {names[0]} or nobody.")


def find_program(name: str, package: str, variable: str) -> str:
    """The path of a program: in the folder ``variable`` names, on PATH, or where Debian has it.

    Raises:
        ServerNotFound: it is nowhere; says which package to install.
    """
    folder = os.environ.get(variable)
    path = folder or f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    if found := shutil.which(name, path=path):
        return found
    raise ServerNotFound(
        f"No {name} found: `apt-get install {package}`, or set {variable} to its folder."
    )


class OwnServer:
    """A server program of our own in a temporary folder, started and stopped by its process id.

    Run as root it becomes one of ``accounts``, for servers refuse to be root.
    """

    accounts: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.account = unprivileged_account(*self.accounts)
        # The path of a socket may have some 100 characters.
        parent = tempfile.gettempdir() if len(tempfile.gettempdir()) < 60 else "/tmp"  # noqa: S108
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.accounts[0]}-", dir=parent))
        self.hand_over(self.folder)
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def hand_over(self, path: Path) -> None:
        """Make a file the property of the server's account."""
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def write(self, name: str, text: str) -> Path:
        """Write a file that the server may read."""
        path = self.folder / name
        path.write_text(text)
        self.hand_over(path)
        return path

    def run(self, command: Sequence[str]) -> None:
        """Run a program that prepares the server.

        Raises:
            RuntimeError: it failed; with what it wrote.
        """
        finished = subprocess.run(
            command, capture_output=True, text=True, check=False, **self._surroundings()
        )
        if finished.returncode:
            raise RuntimeError(f"{command[0]} failed: {finished.stdout}{finished.stderr}")

    def launch(self, command: Sequence[str], is_ready: Callable[[], bool]) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: it ended instead, or takes too long; with its log.
        """
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, **self._surroundings()
            )
        deadline = time.monotonic() + PATIENCE
        while not is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = self.log.read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"{command[0]} does not answer: {text}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server and remove what it wrote."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _surroundings(self) -> dict[str, Any]:
        surroundings: dict[str, Any] = {"cwd": self.folder, "stdin": subprocess.DEVNULL}
        if self.account is not None:
            surroundings |= {
                "user": self.account.pw_uid,
                "group": self.account.pw_gid,
                "extra_groups": [],
            }
        return surroundings
