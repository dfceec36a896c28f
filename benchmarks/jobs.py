"""The jobs that are measured: they do nothing but show that they ran."""

from __future__ import annotations

import time
from typing import Final

from benchmarks.slots import count_execution, starts
from django_jobs import job

QUEUE: Final = "bench"


@job(queue=QUEUE)
def noop() -> None:
    """Nothing, in a thread."""
    count_execution()


@job(queue=QUEUE)
async def async_noop() -> None:
    """Nothing, on an event loop."""
    count_execution()


@job(queue=QUEUE)
def carry(data: str) -> None:
    """Nothing, with arguments of some size."""
    count_execution()


@job(queue=QUEUE)
def tell_start(index: int) -> None:
    """Tell when the job started."""
    starts()[index] = time.time_ns()
    count_execution()
