"""Where the processes of isolated jobs are born: a helper without threads, which may fork.

A worker process has threads, and a fork of it could inherit a lock that one of them holds. So it
forks this helper before it starts any, and asks it for a process whenever it needs one (idea:
``multiprocessing``'s fork server).
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from django_jobs.registry import registry
from django_jobs.runtime.nursery_process import NurseryProcess

if TYPE_CHECKING:
    from types import TracebackType

#: Orders to the nursery, one byte each.
BEAR: Final = b"b"
KILL: Final = b"k"


class Cradle(NamedTuple):
    """What the parent has of a process that was asked for.

    Attributes:
        wire: to talk to the process; see :mod:`django_jobs.runtime.wire`.
        leash: to the nursery. A byte kills the process, and so does closing it; when the process
            has ended, its exit status arrives.
    """

    wire: socket.socket
    leash: socket.socket

    def __enter__(self) -> Cradle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wire.close()
        self.leash.close()

    def kill(self) -> None:
        """End the process, and all that it has started, now."""
        with suppress(OSError):
            self.leash.send(KILL)


class Nursery:
    """The helper as its worker process sees it. Must be made before the first thread."""

    def __init__(self) -> None:
        #: Only these are known there: what is registered later is not.
        self.job_names = frozenset(job.name for job in registry.all() if job.is_isolated)
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            self._control.close()
            NurseryProcess(theirs).live()
        theirs.close()

    @classmethod
    def if_needed(cls) -> Nursery | None:
        """A nursery, if there is a job for it."""
        return cls() if any(job.is_isolated for job in registry.all()) else None

    def bear(self) -> Cradle:
        """Ask for a process.

        Raises:
            OSError: there is no nursery any more, or the system has no more sockets.
        """
        wire, its_wire = socket.socketpair()
        with its_wire:
            leash, its_leash = socket.socketpair()
            with its_leash, self._lock:
                try:
                    ends = [its_wire.fileno(), its_leash.fileno()]
                    socket.send_fds(self._control, [BEAR], ends)
                except OSError:
                    wire.close()
                    leash.close()
                    raise
        return Cradle(wire, leash)

    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        try:
            return os.waitpid(self._pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    def close(self) -> None:
        """Kill all that was born there."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
