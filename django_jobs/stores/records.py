"""What passes between a store and its callers: small records, no model instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from django_jobs.fingerprints import Signature
    from django_jobs.outcome import Outcome
    from django_jobs.states import Status

#: A moment, or seconds from now by the database's clock.
Until = datetime | float


@dataclass(frozen=True, slots=True)
class Holder:
    """Who takes a lease.

    Attributes:
        name: for the transitions, for example ``worker:web1``.
        process: id of the worker process, or ``None`` for a caller of ``now()``.
        lease: seconds until the lease expires unless it is renewed.
    """

    name: str
    process: UUID | None
    lease: float


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """What a worker process is ready to take.

    Attributes:
        limits: queue → most jobs to take from it.
        job_names: the jobs this process knows; others wait for a process that does.
        holder: who takes them.
    """

    limits: Mapping[str, int]
    job_names: Collection[str]
    holder: Holder


@dataclass(slots=True)
class ClaimedJob:
    """A job in the hands of a lease holder. Counters are those of this attempt.

    ``actor`` is the holder's name, for the transition that ends the attempt; a ``lease`` of 0 says
    that there is no row. ``waited``: seconds from due to claimed.
    """

    id: UUID
    job_name: str
    queue: str
    params: Any = field(repr=False)  # tools that print local variables shall not print these
    lease: int
    attempt: int
    failure_count: int
    max_attempts: int
    timeout: float | None
    correlation_id: str
    crash_count: int = 0
    actor: str = "worker"
    waited: float = field(default=0.0, compare=False)  # for the statistics


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as the store sees it."""

    job_id: UUID
    lease: int
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of ``context.log``."""

    attempt: int
    at: datetime
    level: str
    message: str
    data: Any


@dataclass(slots=True)
class Report:
    """News of a running job: its latest progress and its new log lines."""

    job_id: UUID
    lease: int
    percent: int | None = None
    message: str = ""
    lines: list[LogLine] = field(default_factory=list)


@dataclass(slots=True)
class Finish:
    """The end of an attempt, to be accepted if the lease still holds."""

    job: ClaimedJob
    outcome: Outcome
    actor: str
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class Rescued:
    """A job whose holder was lost, and what became of it; how long it had waited nobody knows."""

    id: UUID
    job_name: str
    queue: str
    status: Status
    crash_count: int
    attempt: int
    reason: str
    error: str
    signature: Signature | None = None
    waited: float | None = None


@dataclass(slots=True)
class Moved:
    """What an operator's verb did: ids that moved, and the status of those that may not."""

    done: list[UUID] = field(default_factory=list)
    skipped: dict[UUID, str] = field(default_factory=dict)
