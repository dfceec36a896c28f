"""Jobs past their hard deadline in a thread: nothing can end a thread but the end of its process.

The parent of the processes looks for them, because it has no lock in common with the job: a job
that holds Python's global lock, or blocks in a system call, or swallows every exception, keeps its
own process from doing anything about it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from django_jobs.conf import config
from django_jobs.runtime.process import LAST_WRITE
from django_jobs.services.overdue import fail_stuck

if TYPE_CHECKING:
    from uuid import UUID

    from django_jobs.runtime.child import Child

logger = logging.getLogger("django_jobs")

#: Seconds for which a job must be seen overdue: when a worker that stood still as a whole goes on,
#: all are for a moment.
CONFIRM: Final = 1.0
#: Seconds in which a process must show that it has heard of its retirement.
DEAF: Final = 3.0


class StuckJobs:
    """Has processes replaced in which a job is stuck.

    The replacement starts when the old process is gone, and not before: two together could run
    more jobs of a queue at a time than it has slots.

    Args:
        actor: who writes the failures.
    """

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._since: dict[tuple[UUID, UUID], float] = {}

    def look_at(self, child: Child) -> None:
        """Retire the child if one of its jobs is stuck; kill it if it does not hear, or hangs."""
        found = self._overdue(child) - child.stuck
        if found:
            child.stuck |= found
            logger.error(
                "Worker process %d is replaced: %d of its jobs can't be interrupted: %s",
                child.pid,
                len(found),
                ", ".join(map(str, found)),
            )
            child.retire()
        if child.retired_at is None or child.is_doomed:
            return
        retired_for = time.monotonic() - child.retired_at
        # One sign of life is enough: who shuts down waits for the database, and gives none.
        is_deaf = DEAF < retired_for <= child.pulse.age()
        if is_deaf or retired_for > config.GRACE + LAST_WRITE + 5.0:
            child.kill()

    def record(self, child: Child) -> None:
        """Write the failures of stuck jobs that are not written yet."""
        unrecorded = child.stuck - child.recorded
        if unrecorded:
            # A transaction of the job itself may have locked its row: then again, when it is gone.
            locked = fail_stuck(child.id, unrecorded, self._actor)
            child.recorded |= unrecorded - locked

    def _overdue(self, child: Child) -> set[UUID]:
        now = time.monotonic()
        seen = child.pulse.overdue()
        for key in [key for key in self._since if key[0] == child.id and key[1] not in seen]:
            del self._since[key]
        return {
            job_id
            for job_id in seen
            if now - self._since.setdefault((child.id, job_id), now) >= CONFIRM
        }
