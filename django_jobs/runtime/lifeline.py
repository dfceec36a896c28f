"""How a worker process ends when it should not go on."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from typing import Final

logger = logging.getLogger("django_jobs")

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask Linux to signal this process when its parent dies; elsewhere the pipe's end tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def end_process() -> None:
    """After an error of our own a job would stay running for ever; the parent rescues it."""
    logger.critical("A job's thread failed; the process ends", exc_info=True)
    os._exit(1)
