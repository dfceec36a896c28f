"""A reader that has seen enough, as in ``… | head``, is no error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.management.base import OutputWrapper


@contextmanager
def closed_pipe_allowed(output: OutputWrapper) -> Iterator[None]:
    """Flush what the block wrote; stop in silence when nobody reads it any more."""
    try:
        yield
        output.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at its exit, and would complain then.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
