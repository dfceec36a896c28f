"""The states of a job and every legal move between them.

``MOVES`` is the one table: the stores obey it, the tests install it as a
database trigger, the documentation prints it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    """Where a job is in its life. Stored in ``Job.status``."""

    PENDING_RECOVERY = "pending_recovery", _("pending recovery")
    ENQUEUED = "enqueued", _("enqueued")
    SCHEDULED = "scheduled", _("scheduled")
    PENDING = "pending", _("pending")
    RUNNING = "running", _("running")
    RETRYING = "retrying", _("retrying")
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")
    DISCARDED = "discarded", _("discarded")
    CANCELLED = "cancelled", _("cancelled")
    EXPIRED = "expired", _("expired")


class Actor(StrEnum):
    """Who makes a move."""

    PRODUCER = "producer"
    WORKER = "worker"
    PROMOTER = "promoter"
    RESCUER = "rescuer"
    RECOVERER = "recoverer"
    OPERATOR = "operator"


#: Statuses of jobs that wait for their turn.
WAITING: Final = frozenset({Status.SCHEDULED, Status.PENDING, Status.RETRYING})

#: Statuses in which a job still has work ahead; a unique key is held by these.
LIVE: Final = WAITING | {Status.RUNNING}

#: Where an attempt that failed takes its job.
FAILURES: Final = frozenset({Status.RETRYING, Status.FAILED})

#: Statuses that only carry a future time; the promoter moves due ones to pending.
DELAYED: Final = frozenset({Status.SCHEDULED, Status.RETRYING})

#: Statuses that the pruner may delete.
TERMINAL: Final = frozenset(
    {
        Status.COMPLETED,
        Status.FAILED,
        Status.DISCARDED,
        Status.CANCELLED,
        Status.EXPIRED,
        Status.ENQUEUED,
    }
)

#: Statuses from which an operator may start the job afresh.
RETRYABLE: Final = frozenset({Status.FAILED, Status.DISCARDED, Status.CANCELLED, Status.EXPIRED})

_WORKER = frozenset({Actor.WORKER})
_OPERATOR = frozenset({Actor.OPERATOR})
_RECOVERER = frozenset({Actor.RECOVERER})
_BIRTH = frozenset({Actor.PRODUCER, Actor.RECOVERER})
_RESCUER = frozenset({Actor.WORKER, Actor.RESCUER})

#: ``(from, to) → who may make the move``. ``None`` as from is the birth of a row.
MOVES: Final[dict[tuple[Status | None, Status], frozenset[Actor]]] = {
    (None, Status.PENDING): _BIRTH,
    (None, Status.SCHEDULED): _BIRTH,
    (None, Status.PENDING_RECOVERY): frozenset({Actor.PRODUCER}),
    (Status.PENDING_RECOVERY, Status.ENQUEUED): _RECOVERER,
    (Status.PENDING_RECOVERY, Status.DISCARDED): _RECOVERER,  # can never arrive
    (Status.PENDING_RECOVERY, Status.EXPIRED): _RECOVERER,
    (Status.SCHEDULED, Status.PENDING): frozenset({Actor.PROMOTER, Actor.OPERATOR}),
    (Status.RETRYING, Status.PENDING): frozenset({Actor.PROMOTER, Actor.OPERATOR}),
    (Status.PENDING, Status.RUNNING): _WORKER,
    (Status.RUNNING, Status.COMPLETED): _WORKER,
    (Status.RUNNING, Status.SCHEDULED): _WORKER,  # snooze
    (Status.RUNNING, Status.PENDING): _WORKER,  # release
    (Status.RUNNING, Status.RETRYING): _RESCUER,
    (Status.RUNNING, Status.FAILED): _RESCUER,
    (Status.RUNNING, Status.CANCELLED): _RESCUER,
    (Status.RUNNING, Status.DISCARDED): _WORKER,
    **{(waiting, Status.CANCELLED): _OPERATOR for waiting in WAITING},
    **{(waiting, Status.DISCARDED): _OPERATOR for waiting in WAITING},
    **{(waiting, Status.EXPIRED): frozenset({Actor.PROMOTER}) for waiting in WAITING},
    (Status.FAILED, Status.DISCARDED): _OPERATOR,
    **{(ended, Status.PENDING): _OPERATOR for ended in RETRYABLE},
}


def is_legal(before: Status | None, after: Status, actor: Actor | None = None) -> bool:
    """Say whether a job may go from ``before`` to ``after`` (by ``actor``, if given)."""
    actors = MOVES.get((before, after))
    return actors is not None and (actor is None or actor in actors)


def sources_of(after: Status, actor: Actor) -> frozenset[Status]:
    """The statuses from which ``actor`` may move a job to ``after``."""
    return frozenset(
        before
        for (before, target), actors in MOVES.items()
        if before is not None and target == after and actor in actors
    )
