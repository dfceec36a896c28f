"""How many jobs a process claims for one queue: for its free slots, and some ahead of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django_jobs.conf import config

if TYPE_CHECKING:
    from django_jobs.runtime.pool import QueuePool

#: Jobs are claimed ahead of their slots for at most this many seconds of expected work,
AHEAD: Final = 0.5
#: and never more than this many,
MOST: Final = 1000
#: which is reached from here by doubling, as long as all of them run in time.
FIRST: Final = 100


class Foresight:
    """Like the window of a TCP connection: it opens while jobs run out before more are fetched,
    and halves when some waited so long that they were handed back. A busy machine thus does not
    hoard what others could run.
    """

    def __init__(self, pool: QueuePool) -> None:
        self._pool = pool
        self._window = FIRST
        self._ran_dry = False

    def room(self) -> int:
        """How many jobs to claim now."""
        ahead = self._ahead()
        self._ran_dry = self._pool.waiting == 0
        # Short jobs: fetch the next load when half of the last is used up, not one by one.
        self._pool.ask_below(ahead // 2)
        waiting = self._pool.waiting
        return 0 if waiting > ahead // 2 else self._pool.free_slots + ahead - waiting

    def claimed(self, asked: int, got: int) -> None:
        """Learn from a claim: there would have been more, and it was needed."""
        if self._ran_dry and got == asked:
            self._window = min(self._window * 2, MOST)

    def handed_back(self) -> None:
        """Learn that the last claims were too many."""
        self._window = max(self._window // 2, 1)

    def _ahead(self) -> int:
        duration = self._pool.expected_duration()
        if duration is None or duration > AHEAD or config.ACK == "each":
            return 0
        return min(int(AHEAD * self._pool.concurrency / max(duration, 1e-6)), self._window)
