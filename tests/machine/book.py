"""What every store promises, in plain Python: no database, and no clock but "due" and "over"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django_jobs.outcome import Outcome
from django_jobs.states import DELAYED, LIVE, RETRYABLE, TERMINAL, WAITING, Status
from django_jobs.stores.records import Report


@dataclass(slots=True)
class Entry:
    """What one row should look like.

    Attributes:
        is_due: whether the time of a delayed job has come.
        is_late: whether its ``expires_at`` has passed.
        is_overdue: whether its lease has run out.
    """

    id: UUID
    queue: str
    job_name: str
    priority: int
    status: Status = Status.PENDING
    unique_key: str | None = None
    is_due: bool = False
    is_late: bool = False
    is_overdue: bool = False
    lease: int = 0
    claims: int = 0
    failures: int = 0
    crashes: int = 0
    process: UUID | None = None
    cancel_requested: bool = False
    progress: int = 0
    message: str = ""
    log_lines: int = 0

    def move(self, status: Status) -> None:
        self.status = status
        if status != Status.RUNNING:
            self.process = None
            self.cancel_requested = self.is_overdue = False

    def take(self, process: UUID | None) -> None:
        self.move(Status.RUNNING)
        self.lease += 1
        self.claims += 1
        self.process = process
        self.progress, self.message = 0, ""

    def hear(self, report: Report) -> None:
        if report.percent is not None:
            self.progress, self.message = report.percent, report.message
        self.log_lines += len(report.lines)

    def end(self, outcome: Outcome, report: Report | None) -> Status:
        """The attempt is over; return where the job went."""
        if report is not None:
            self.hear(report)
        status = outcome.status
        if self.cancel_requested and status in WAITING:
            status = Status.CANCELLED
        if status == Status.COMPLETED:
            self.progress = 100
        self.failures += outcome.failed
        self.crashes += outcome.crashed
        self.is_due = outcome.delay == 0
        self.move(status)
        return status

    def lose(self, crash_limit: int) -> Status:
        """Its holder is gone; return where the job went."""
        self.crashes += 1
        if self.cancel_requested:
            status = Status.CANCELLED
        elif self.process is None or self.crashes >= crash_limit:
            status = Status.FAILED
        else:
            status = Status.RETRYING
        # After the first crash at once, after others with a pause.
        self.is_due = self.crashes == 1
        self.move(status)
        return status

    def restart(self) -> None:
        self.failures = self.crashes = self.progress = 0
        self.message = ""
        self.is_late = False
        self.move(Status.PENDING)


@dataclass
class Book:
    """All jobs, and which queues are paused."""

    entries: dict[UUID, Entry] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    #: Every (job, lease) whose end was accepted.
    ended: set[tuple[UUID, int]] = field(default_factory=set)

    def of(self, ids: Iterable[UUID]) -> list[Entry]:
        return [self.entries[one] for one in ids if one in self.entries]

    def in_status(self, statuses: Collection[Status]) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.status in statuses]

    def counts(self, queue: str | None = None) -> dict[str, int]:
        return dict(
            Counter(
                str(entry.status)
                for entry in self.entries.values()
                if queue is None or entry.queue == queue
            )
        )

    def holder_of(self, key: str | None) -> Entry | None:
        """The live job that has this unique key."""
        live = [entry for entry in self.in_status(LIVE) if key and entry.unique_key == key]
        assert len(live) <= 1
        return live[0] if live else None

    def claimable(self, queue: str, names: Collection[str]) -> list[Entry]:
        if queue in self.paused:
            return []
        return [
            entry
            for entry in self.in_status({Status.PENDING})
            if entry.queue == queue and entry.job_name in names and not entry.is_late
        ]

    def is_claimable_by_id(self, job_id: UUID) -> bool:
        entry = self.entries.get(job_id)
        return entry is not None and entry.status in WAITING and not entry.is_late

    def is_held(self, job_id: UUID, lease: int) -> bool:
        """Whether this is the current lease of a running job."""
        entry = self.entries.get(job_id)
        return entry is not None and entry.status == Status.RUNNING and entry.lease == lease

    def held_by(self, process: UUID) -> list[Entry]:
        return [entry for entry in self.in_status({Status.RUNNING}) if entry.process == process]

    def due(self) -> list[Entry]:
        return [entry for entry in self.in_status(DELAYED) if entry.is_due]

    def late(self) -> list[Entry]:
        return [entry for entry in self.in_status(WAITING) if entry.is_late]

    def overdue(self) -> list[Entry]:
        return [entry for entry in self.in_status({Status.RUNNING}) if entry.is_overdue]

    def retry(self, ids: Sequence[UUID]) -> set[UUID]:
        """Restart what may be; of several with one unique key, the first by id."""
        done = set()
        for entry in sorted(self.of(ids), key=lambda entry: entry.id):
            if entry.status in RETRYABLE and self.holder_of(entry.unique_key) is None:
                entry.restart()
                done.add(entry.id)
        return done

    def cancel(self, ids: Sequence[UUID]) -> set[UUID]:
        done = set()
        for entry in self.of(ids):
            if entry.status in WAITING:
                entry.move(Status.CANCELLED)
            elif entry.status == Status.RUNNING:
                entry.cancel_requested = True
                entry.log_lines += 1
            else:
                continue
            done.add(entry.id)
        return done

    def discard(self, ids: Sequence[UUID]) -> set[UUID]:
        return self.move(ids, WAITING | {Status.FAILED}, Status.DISCARDED)

    def run_now(self, ids: Sequence[UUID]) -> set[UUID]:
        return self.move(ids, DELAYED, Status.PENDING)

    def move(self, ids: Iterable[UUID], allowed: Collection[Status], to: Status) -> set[UUID]:
        moved = [entry for entry in self.of(ids) if entry.status in allowed]
        for entry in moved:
            entry.move(to)
        return {entry.id for entry in moved}

    def forget(self, entry: Entry) -> None:
        assert entry.status in TERMINAL
        del self.entries[entry.id]
