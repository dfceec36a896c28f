"""Soft timeouts: ``JobTimeout`` raised inside the thread that runs too long."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

from django_jobs.exceptions import JobTimeout

_NO_LIMIT: Final[AbstractContextManager[None]] = nullcontext()


def deadline(seconds: float | None) -> AbstractContextManager[None]:
    """Raise :class:`JobTimeout` in the block after ``seconds``; ``None`` sets no limit.

    The exception arrives between two bytecodes: a block that is stuck in C code gets it when
    that code returns.
    """
    return _NO_LIMIT if seconds is None else _limited(seconds)


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    strike = _Strike(threading.get_ident())
    timer = threading.Timer(seconds, strike)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        strike.disarm()


class _Strike:
    """Raises ``JobTimeout`` in one thread, unless disarmed before."""

    def __init__(self, thread: int) -> None:
        self._thread = ctypes.c_ulong(thread)
        self._lock = threading.Lock()
        self._disarmed = False
        self._struck = False

    def __call__(self) -> None:
        with self._lock:
            if not self._disarmed:
                self._struck = True
                _raise_in(self._thread, JobTimeout)

    def disarm(self) -> None:
        """After this, nothing will be raised; an exception still on its way is called back."""
        with self._lock:
            self._disarmed = True
            if self._struck:
                _raise_in(self._thread, None)


def _raise_in(thread: ctypes.c_ulong, exception: type[BaseException] | None) -> None:
    argument = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, argument)
