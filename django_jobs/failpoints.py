"""Places where a fault test may stop, kill or break a process: inert unless the environment asks.

``RUNJOBS_FAILPOINTS="claim.committed=kill@2, finish.pending=stop:/tmp/once"`` kills the process
when it comes to ``claim.committed`` for the second time, and stops it once at ``finish.pending``:
whoever creates the file acts, nobody after him. Idea: FreeBSD's ``fail(9)``.

None lies on the way of an ordinary job: each is passed once for a batch or a transaction.
"""

from __future__ import annotations

import os
import signal
from typing import Final, NamedTuple

VARIABLE: Final = "RUNJOBS_FAILPOINTS"

#: name → where it lies
FAILPOINTS: Final = {
    "claim.locked": "the portable store has locked jobs and not yet moved them",
    "claim.taken": "the portable store has moved jobs and not yet committed",
    "claim.committed": "a worker process holds leases and has not started the jobs",
    "finish.pending": "jobs have ended and nothing of it is written",
    "atomic.ended": "an atomic job has ended, its transaction is not committed",
    "atomic.committed": "the transaction of an atomic job is committed, and nobody knows",
    "failures.retried": "a step of the retry of failures has retried jobs and is not committed",
    "finish.written": "outcomes are committed and nobody knows",
}

_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class _Plan(NamedTuple):
    number: signal.Signals
    at: int
    once: str


def _read(text: str) -> dict[str, _Plan]:
    plans: dict[str, _Plan] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, _, act = entry.partition("=")
        act, _, once = act.partition(":")
        act, _, at = act.partition("@")
        if name not in FAILPOINTS or act not in _SIGNALS:
            raise ValueError(f"{VARIABLE}: {entry!r}: there are {', '.join(FAILPOINTS)}.")
        plans[name] = _Plan(_SIGNALS[act], int(at or 1), once)
    return plans


_plans: Final = _read(os.environ.get(VARIABLE, ""))
_passed: Final[dict[str, int]] = {}


def reach(name: str) -> None:
    """Do here what the environment asks for; almost always nothing."""
    if _plans and name in _plans:
        _act(name, _plans[name])


def _act(name: str, plan: _Plan) -> None:
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] == plan.at and _is_first(plan.once):
        os.kill(os.getpid(), plan.number)


def _is_first(once: str) -> bool:
    if not once:
        return True
    try:
        os.close(os.open(once, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
