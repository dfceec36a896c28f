"""One virtual environment for each peer, kept between runs in the user's cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.contestants import Contestant

CACHE: Final = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "django_jobs-benchmarks"
)

#: Seconds that an installation may take.
PATIENCE: Final = 600


class NotInstallable(RuntimeError):
    """A peer can't take part on this machine."""


def equip(peer: Contestant, *, upgrade: bool = False) -> Contestant:
    """Return the peer with an interpreter that has its packages, the latest releases by name."""
    for program in sorted(peer.needs - {"postgres", "redis", "tcp"}):
        if shutil.which(program) is None:
            raise NotInstallable(f"{program} is not installed")
    folder = CACHE / peer.key
    python, marker = folder / "bin" / "python", folder / "packages.json"
    wanted = json.dumps([peer.python, *peer.packages])
    if upgrade or not marker.exists() or marker.read_text() != wanted:
        _install(peer, folder, python)
        marker.write_text(wanted)
    return replace(peer, command=(str(python), *peer.command))


def versions(peer: Contestant) -> dict[str, str]:
    """The releases of a peer's packages that are installed, and its Python's."""
    script = (
        "import json, sys, platform, importlib.metadata as metadata\n"
        "told = {name: metadata.version(name) for name in sys.argv[1:]}\n"
        "print(json.dumps({**told, 'Python': platform.python_version()}))"
    )
    names = [_name_of(requirement) for requirement in peer.packages]
    command = [peer.command[0], "-c", script, *names]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, str] = json.loads(finished.stdout)
    return told | _node_packages(peer)


def _node_packages(peer: Contestant) -> dict[str, str]:
    """What an adapter installed for Node.js, in its own folder of the cache."""
    packages = (CACHE / peer.key.replace("_", "-") / "node_modules").glob("*/package.json")
    wanted = ("node", peer.name)
    return {
        path.parent.name: json.loads(path.read_text())["version"]
        for path in packages
        if path.parent.name in wanted
    }


def _install(peer: Contestant, folder: Path, python: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    interpreter = find_python(peer.python)
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--python", interpreter, str(folder))
        install = (uv, "pip", "install", "--python", str(python))
    else:
        _run(interpreter, "-m", "venv", str(folder))
        install = (str(python), "-m", "pip", "install", "--disable-pip-version-check")
    if peer.packages:
        _run(*install, "--upgrade", *peer.packages)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise NotInstallable(f"its installation took more than {PATIENCE} s") from error
    except subprocess.CalledProcessError as error:
        raise NotInstallable(f"its installation failed: {error.stderr.strip()[-500:]}") from error


def find_python(minimum: str) -> str:
    """Our own interpreter if it is new enough, else the oldest one found that is."""
    needed = _version(minimum)
    if sys.version_info[:2] >= needed:
        return sys.executable
    found = sorted((version, path) for version, path in _interpreters() if version >= needed)
    if not found:
        raise NotInstallable(f"no Python {minimum} or later was found on PATH or from pyenv")
    return str(found[0][1])


def _interpreters() -> Iterator[tuple[tuple[int, ...], Path]]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for path in pyenv.glob("3.*/bin/python"):
        yield _version(path.parent.parent.name), path
    for minor in range(11, 20):
        # A shim of pyenv exists for versions that are not active, too.
        if (on_path := shutil.which(f"python3.{minor}")) and "shims" not in on_path:
            yield (3, minor), Path(on_path)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])


def _name_of(requirement: str) -> str:
    end = min((requirement.find(sign) for sign in "[<>=!~ " if sign in requirement), default=None)
    return requirement[:end]
