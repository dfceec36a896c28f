"""One reason why a job does not run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """Which reason it is, for programs."""

    # Waiting
    SCHEDULED = "scheduled"
    RETRY_LATER = "retry_later"
    NOT_PROMOTED = "not_promoted"
    TOO_LATE = "too_late"
    PAUSED = "paused"
    UNKNOWN_JOB = "unknown_job"
    FILTERED = "filtered"
    NO_WORKER = "no_worker"
    NOT_SERVED = "not_served"
    TOLD_TO_STOP = "told_to_stop"
    SLOTS_TAKEN = "slots_taken"
    MOST_AT_ONCE = "most_at_once"
    MOST_PER_MINUTE = "most_per_minute"
    IN_LINE = "in_line"
    OVERDUE = "overdue"
    SOON = "soon"
    IN_BUFFER = "in_buffer"
    # Running
    RUNNING = "running"
    CANCEL_REQUESTED = "cancel_requested"
    SILENT_WORKER = "silent_worker"
    LEASE_EXPIRED = "lease_expired"
    # Ended
    ENDED = "ended"
    UNKNOWN_STATUS = "unknown_status"


class About(NamedTuple):
    """Where to look further: a row, or all rows of a kind if there is no key.

    Attributes:
        kind: ``queue`` or ``worker``.
        key: the primary key.
    """

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a job does not run, or that it does.

    Attributes:
        code: which reason it is.
        text: a sentence for people, translated.
        about: where to look further.
        forbids: whether no worker may take the job as long as this is so.
        is_trouble: whether somebody should do something about it.
    """

    code: Code
    text: str
    about: About | None = None
    forbids: bool = False
    is_trouble: bool = False
