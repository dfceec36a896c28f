"""Real connections at once: threads that start together, on either database."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

#: Seconds after which a thread that waits for the others gives up.
PATIENCE = 20.0


class AtOnce:
    """``at_once(a, b)`` calls each in a thread of its own, all at the same moment."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, *calls: Callable[[], Any]) -> list[Any]:
        """Return the results in the order of the calls; the first error is raised."""
        barrier = threading.Barrier(len(calls), timeout=PATIENCE)

        def run(call: Callable[[], Any]) -> Any:
            try:
                connections["default"].ensure_connection()
                barrier.wait()
                return call()
            finally:
                connections.close_all()

        order = list(enumerate(calls))
        self._random.shuffle(order)
        with ThreadPoolExecutor(len(calls)) as pool:
            running = {index: pool.submit(run, call) for index, call in order}
            return [running[index].result() for index in range(len(calls))]
