"""The two jobs as tasks of Django, for the peers that are backends of ``django.tasks``.

Import it once Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterable

from contract import NOOP, STARTED, count_job, store_start
from django.tasks import task


@task
def noop(argument: int) -> None:
    """The job of drains."""
    count_job(argument)


@task
def started(argument: int) -> None:
    """The job that measures latency."""
    store_start(argument)


def enqueue(job: str, arguments: Iterable[int]) -> None:
    """One ``enqueue`` per job, in autocommit."""
    wanted = {NOOP: noop, STARTED: started}[job]
    for argument in arguments:
        wanted.enqueue(argument)
