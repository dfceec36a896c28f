"""The helper process itself: one thread, which forks and buries."""

from __future__ import annotations

import logging
import os
import signal
import socket
from contextlib import suppress
from typing import Final, NoReturn

from django_jobs.runtime.isolated_child import become_job_process
from django_jobs.runtime.lifeline import die_with_parent
from django_jobs.runtime.wakeup import Wakeup

logger = logging.getLogger("django_jobs")

#: Sent by the system when the worker process dies: not one that process managers send to all.
_ORPHANED: Final = signal.SIGUSR1


class NurseryProcess:
    """Forks a process for every request.

    Args:
        control: requests come from here; its end is the end of all.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._parent = os.getppid()
        self._wakeup = Wakeup()
        self._leashes: dict[int, socket.socket] = {}
        self._condemned: set[int] = set()

    def live(self) -> NoReturn:
        """Work until the parent is gone, and leave nothing running."""
        try:
            self._take_signals()
            die_with_parent(_ORPHANED)
            # The parent may have died before the line above.
            while os.getppid() == self._parent and self._serve():
                self._bury()
        except BaseException:
            logger.critical("The nursery of isolated jobs failed", exc_info=True)
        finally:
            for pid in self._leashes:
                _kill(pid)
            os._exit(0)

    def _take_signals(self) -> None:
        # Ctrl-C and the like reach every process of a terminal or a service. What they mean is
        # for the supervisor to say, and the worker process lets its jobs finish.
        for ignored in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ignored, signal.SIG_IGN)
        for heard in (signal.SIGCHLD, _ORPHANED):
            signal.signal(heard, lambda *_: self._wakeup.set())

    def _serve(self) -> bool:
        """Wait for something to do and do it; false when the parent has closed."""
        leashes = {leash: pid for pid, leash in self._leashes.items() if pid not in self._condemned}
        for ready in self._wakeup.wait(None, self._control, *leashes):
            if ready is not self._control:
                # An order or its end: the worker's thread is gone, and nobody else will order.
                self._condemned.add(leashes[ready])
                _kill(leashes[ready])
            elif not self._bear():
                return False
        return True

    def _bear(self) -> bool:
        order, ends, _flags, _address = socket.recv_fds(self._control, 1, 2)
        if not order:
            return False
        wire, leash = (socket.socket(fileno=end) for end in ends)
        try:
            pid = os.fork()
        except OSError as error:
            _tell(leash, f"none {error.strerror}")
            leash.close()
        else:
            if pid == 0:
                self._let_go(leash)
                become_job_process(wire)
            self._leashes[pid] = leash
        wire.close()
        return True

    def _let_go(self, own: socket.socket) -> None:
        """In the child: what it kept open would look to others as if somebody lived."""
        for inherited in (self._control, own, *self._leashes.values()):
            inherited.close()

    def _bury(self) -> None:
        for pid in list(self._leashes):
            # Not collected yet: until then neither the process's number nor its group's is reused.
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                continue
            if (ended.si_code, ended.si_status) != (os.CLD_EXITED, 0):
                _kill(pid)  # what it has started
            _, status = os.waitpid(pid, 0)
            self._condemned.discard(pid)
            leash = self._leashes.pop(pid)
            _tell(leash, str(status))
            leash.close()


def _tell(leash: socket.socket, text: str) -> None:
    with suppress(OSError):  # nobody waits for it
        leash.send(text.encode())


def _kill(pid: int) -> None:
    """Kill a process and its group; it may be too young to have one."""
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(pid, signal.SIGKILL)
