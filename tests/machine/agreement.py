"""What must hold after every event: the rows, their history and the counts are the book's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django_jobs.models import Job, JobLog, JobTransition
from django_jobs.states import LIVE, MOVES, TERMINAL, Status
from django_jobs.stores.base import Store
from tests.machine.book import Book, Entry

_COLUMNS: Final = (
    "pk",
    "status",
    "lease",
    "attempt_count",
    "failure_count",
    "crash_count",
    "worker_process",
    "unique_key",
    "progress",
    "progress_message",
    "cancel_requested_at",
    "worker_expires_at",
    "completed_at",
)


class Agreement:
    """Compares the book with the database."""

    def __init__(self, store: Store, book: Book) -> None:
        self._store = store
        self._book = book
        self._paths: dict[UUID, list[str]] = {}
        self._ends: set[tuple[UUID, int]] = set()
        self._last_read = 0

    def check(self) -> None:
        self._rows_are_as_expected()
        self._history_is_a_path()
        assert self._store.count_by_state() == self._book.counts()
        lines = sum(entry.log_lines for entry in self._book.entries.values())
        assert JobLog.objects.count() == lines

    def in_claim_order(self, entries: Sequence[Entry]) -> list[Entry]:
        """Priority, then time, then birth; the time is the database's."""
        ids = [entry.id for entry in entries]
        times: dict[Any, Any] = dict(
            Job.objects.filter(pk__in=ids).values_list("pk", "scheduled_for")
        )
        return sorted(entries, key=lambda entry: (entry.priority, times[entry.id], entry.id))

    def _rows_are_as_expected(self) -> None:
        rows = {row[0]: _seen(row) for row in Job.objects.values_list(*_COLUMNS)}
        assert rows == {one.id: _expected(one) for one in self._book.entries.values()}
        held = [row["unique_key"] for row in rows.values() if row["status"] in LIVE]
        keys = [key for key in held if key is not None]
        assert len(keys) == len(set(keys))

    def _history_is_a_path(self) -> None:
        """Each transition begins where the last one ended, is legal, and ends a lease once."""
        new = JobTransition.objects.filter(pk__gt=self._last_read).order_by("pk")
        for transition in new:
            job, before, after = transition.job_id, transition.from_status, transition.to_status
            path = self._paths.setdefault(job, [""])
            assert path[-1] == before
            assert (Status(before) if before else None, Status(after)) in MOVES
            if before == Status.RUNNING:
                assert (job, transition.lease) not in self._ends, "one lease ended twice"
                self._ends.add((job, transition.lease))
            path.append(after)
            self._last_read = transition.pk
        for entry in self._book.entries.values():
            path = self._paths[entry.id]
            assert path[-1] == entry.status
            assert path.count(Status.RUNNING) == entry.claims

    def check_that_history_goes_along(self) -> None:
        """Of jobs that were deleted nothing is left."""
        of_the_gone = JobTransition.objects.exclude(job_id__in=list(self._book.entries))
        assert not of_the_gone.exists()


def _seen(row: Sequence[Any]) -> dict[str, Any]:
    seen = dict(zip(_COLUMNS[1:], row[1:], strict=True))
    # Of these times only whether there is one can be foretold.
    for name in ("cancel_requested_at", "worker_expires_at", "completed_at"):
        seen[name] = seen[name] is not None
    return seen


def _expected(entry: Entry) -> dict[str, Any]:
    return {
        "status": entry.status,
        "lease": entry.lease,
        "attempt_count": entry.claims,
        "failure_count": entry.failures,
        "crash_count": entry.crashes,
        "worker_process": entry.process,
        "unique_key": entry.unique_key,
        "progress": entry.progress,
        "progress_message": entry.message,
        "cancel_requested_at": entry.cancel_requested,
        "worker_expires_at": entry.status == Status.RUNNING,
        "completed_at": entry.status in TERMINAL,
    }
