"""When a worker process has worked enough: after so many jobs, or when it has grown so large."""

from __future__ import annotations

import os
import time
from typing import Final

from django_jobs.conf import config
from django_jobs.runtime.memory import resident_memory

#: Seconds between two looks at the memory.
LOOK: Final = 1.0


class Wear:
    """Of the process that makes it."""

    def __init__(self) -> None:
        self._looked_at = 0.0

    def reason(self, ended: int) -> str:
        """Why the process should be replaced; an empty text while it should not.

        Args:
            ended: jobs that it has ended. One at least: a limit that is too low for an empty
                process makes slow progress, but progress.
        """
        if not ended:
            return ""
        if config.MAX_JOBS is not None and ended >= config.MAX_JOBS:
            return f"it has run {ended} jobs"
        if config.MAX_RSS is None or time.monotonic() - self._looked_at < LOOK:
            return ""
        self._looked_at = time.monotonic()
        memory = resident_memory(os.getpid())
        if memory <= config.MAX_RSS:
            return ""
        return f"it uses {memory // 2**20} MiB of memory"
