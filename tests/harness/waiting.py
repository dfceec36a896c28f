"""Wait for what other processes do, no longer than needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

#: Seconds between two looks.
PAUSE = 0.02


def wait_until(predicate: Callable[[], Value], timeout: float = 30.0, message: str = "") -> Value:
    """Call ``predicate`` until it returns something true, and return that.

    ``timeout``: seconds; afterwards an AssertionError tells ``message`` and the last value.
    """
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{message or predicate} not within {timeout} s, but {value!r}")
        time.sleep(PAUSE)
    return value
