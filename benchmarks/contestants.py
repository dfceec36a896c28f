"""Who takes part: django_jobs in some variants, bare SQL, and the adapters in ``peers/``.

An adapter is a program with the commands ``prepare``, ``enqueue N``, ``bulk N``, ``seed N``,
``work SLOT`` and ``latency N``; ``peers/contract.py`` says what each does. Its constants are
read without importing it, because its packages are in another environment.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from benchmarks.slots import SLOTS, THREAD_SLOTS

HERE: Final = Path(__file__).resolve().parent
PEERS: Final = HERE / "peers"


class Role(StrEnum):
    """What a figure is compared with."""

    OURS = "ours"
    BARE = "bare"
    PEER = "peer"


@dataclass(frozen=True)
class Contestant:
    """One row of a table: a program and the environment it runs with.

    Attributes:
        key: of the file, for the command line; variants of one program share it.
        name: as the tables show it.
        command: starts the program.
        drain_jobs: how many jobs its first drain has.
    """

    key: str
    name: str
    role: Role
    command: tuple[str, ...]
    settings: str
    needs: frozenset[str] = frozenset({"postgres"})
    processes: int = 2
    remaining_sql: str | None = None
    drain_jobs: int = 5_000
    packages: tuple[str, ...] = ()
    python: str = "3.11"
    slots: int = SLOTS
    environment: Mapping[str, str] = field(default_factory=dict)

    def variant(self, name: str, **environment: str) -> Contestant:
        """The same program with other variables."""
        return replace(self, name=name, environment={**self.environment, **environment})


def constants(path: Path) -> dict[str, Any]:
    """What a file assigns to names in capitals, as far as it is literal."""
    found: dict[str, Any] = {}
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        try:
            found[name] = ast.literal_eval(value)
        except ValueError:
            continue
    return found


def _read(path: Path, role: Role, command: tuple[str, ...], **more: Any) -> Contestant:
    told = constants(path)
    return Contestant(
        key=path.stem,
        name=told["NAME"],
        role=role,
        command=command,
        settings=" ".join(told["SETTINGS"].split()),
        needs=frozenset(told["NEEDS"]),
        processes=told["PROCESSES"],
        remaining_sql=told["REMAINING_SQL"],
        drain_jobs=told.get("DRAIN_JOBS", 5_000),
        **more,
    )


def ours() -> Contestant:
    """django_jobs at its defaults, with synchronous jobs."""
    command = (sys.executable, "-m", "benchmarks.ours")
    return _read(HERE / "ours.py", Role.OURS, command, slots=THREAD_SLOTS)


def bare() -> Contestant:
    """Bare SQL."""
    return _read(HERE / "bare.py", Role.BARE, (sys.executable, "-m", "benchmarks.bare"))


def bare_sqlite() -> Contestant:
    """Bare SQL on SQLite."""
    command = (sys.executable, "-m", "benchmarks.bare_sqlite")
    return _read(HERE / "bare_sqlite.py", Role.BARE, command)


def peers() -> list[Contestant]:
    """Every adapter; the interpreter of ``command`` is set once its environment exists."""
    return [
        _read(
            path,
            Role.PEER,
            (str(path),),
            packages=tuple(told["PACKAGES"]),
            python=told["PYTHON"],
        )
        for path in sorted(PEERS.glob("*.py"))
        if "REMAINING_SQL" in (told := constants(path))
    ]
