"""The enqueue buffer: another database keeps new jobs while their own is out of reach.

Its rows are ``pending_recovery`` until the jobs have arrived where they belong. Nothing else is
kept in it, and nobody but this module writes a status there. A job has one id from the beginning,
so that a crash at any moment makes no second one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.db import Error, connections, transaction
from django.db.models import Expression
from django.db.models.functions import Now
from django.db.transaction import TransactionManagementError

from django_jobs.conf import config
from django_jobs.exceptions import DuplicateJob, EnqueueUnavailable, InvalidTransition
from django_jobs.models import Job, JobTransition
from django_jobs.states import Actor, Status, is_legal
from django_jobs.stores.database.moves import database, lock, seconds_from_now, take_write_lock
from django_jobs.stores.outages import is_outage

if TYPE_CHECKING:
    from django_jobs.models import JobQuerySet

logger = logging.getLogger("django_jobs")

#: What only the buffer's database knows of a new row: read from it when somebody asks.
_UNKNOWN: Final = ("scheduled_for", "created_at", "updated_at")


def is_on() -> bool:
    """Whether there is a buffer."""
    return config.RECOVERY_DB_ALIAS is not None


def can_stand_in(refusal: EnqueueUnavailable) -> bool:
    """Whether the buffer may take what the jobs' own database just refused.

    Not inside a transaction of that database: it is lost, and its caller must know. Not for what
    would be refused for ever.
    """
    if not is_on() or connections[database()].in_atomic_block:
        return False
    cause = refusal.__cause__
    return cause is not None and is_outage(cause)


def put_aside(new: Sequence[Job]) -> None:
    """Keep new jobs in the buffer, all or none, in the caller's transaction there if it has one.

    Raises:
        DuplicateJob: a job in the buffer has the unique key of one of them.
        EnqueueUnavailable: the buffer is full, or can't be written either.
    """
    # The next enqueue shall find out anew; a connection that broke would stay broken.
    connections[database()].close()
    alias = _alias()
    with _clear_errors(), transaction.atomic(using=alias):
        _refuse_twins(new)
        _refuse_overflow(len(new))
        for job in new:
            job.status = Status.PENDING_RECOVERY
        Job.objects.using(alias).bulk_create(new)
        _record(new, "", Status.PENDING_RECOVERY, Actor.PRODUCER)
    for job in new:
        for name in _UNKNOWN:
            if isinstance(vars(job).get(name), Expression):
                del vars(job)[name]
    logger.warning(
        "The database %r is out of reach; %d new jobs are kept in %r", database(), len(new), alias
    )


def waiting(limit: int) -> list[Job]:
    """The jobs that have waited longest, in the order of their enqueueing."""
    return list(_waiting().order_by("id")[:limit])


def count_waiting() -> int:
    """How many jobs are in the buffer."""
    return _waiting().count()


def is_empty() -> bool:
    """Whether nothing waits."""
    return not _waiting().exists()


def expire(limit: int) -> int:
    """End what has waited past its ``expires_at``; return how many."""
    late = list(_waiting().filter(expires_at__lte=Now()).order_by("id")[:limit])
    settle(late, Status.EXPIRED, reason="expires_at")
    return len(late)


def settle(done: Sequence[Job], to: Status, *, reason: str = "", error: str = "") -> None:
    """Take jobs off the buffer. Those that somebody else has taken off meanwhile stay as they are.

    Raises:
        InvalidTransition: jobs in the buffer can't come to this status.
    """
    if not is_legal(Status.PENDING_RECOVERY, to, Actor.RECOVERER):
        raise InvalidTransition(f"A job in the buffer can't become {to}.")
    if not done:
        return
    alias = _alias()
    with transaction.atomic(using=alias):
        if connections[alias].vendor == "sqlite":
            take_write_lock(alias)
        mine = _waiting().filter(id__in=[job.id for job in done]).order_by("id")
        rows = list(lock(mine, skip_locked=False))
        if not rows:
            return
        settled = _jobs().filter(id__in=[row.id for row in rows])
        settled.update(status=to, error=error, updated_at=Now(), completed_at=Now())
        _record(rows, Status.PENDING_RECOVERY, to, Actor.RECOVERER, reason, error)


def delete_settled(status: Status, older_than: float, limit: int) -> int:
    """Delete up to ``limit`` jobs that came to ``status`` over ``older_than`` seconds ago."""
    alias = _alias()
    old = _jobs().filter(status=status, completed_at__lt=seconds_from_now(-older_than))
    ids = list(old.order_by("completed_at").values_list("id", flat=True)[:limit])
    with transaction.atomic(using=alias):
        JobTransition.objects.using(alias).filter(job_id__in=ids).delete()
        return int(_jobs().filter(id__in=ids)._raw_delete(alias)) if ids else 0


def _alias() -> str:
    assert config.RECOVERY_DB_ALIAS is not None
    return config.RECOVERY_DB_ALIAS


def _jobs() -> JobQuerySet:
    return Job.objects.using(_alias())


def _waiting() -> JobQuerySet:
    return _jobs().filter(status=Status.PENDING_RECOVERY)


def _refuse_twins(new: Sequence[Job]) -> None:
    keys = [job.unique_key for job in new if job.unique_key is not None]
    twin = _waiting().filter(unique_key__in=keys).first() if keys else None
    if twin is not None:
        raise DuplicateJob(
            f"unique_key: job {twin.id} holds this key and waits in the buffer.", twin.id, _alias()
        )


def _refuse_overflow(number: int) -> None:
    if _waiting().count() + number > config.RECOVERY_MAX_JOBS:
        raise EnqueueUnavailable(
            f"The job can't be enqueued: the database {database()!r} is out of reach, and the "
            f"buffer {_alias()!r} is full (RECOVERY_MAX_JOBS is {config.RECOVERY_MAX_JOBS})."
        )


def _record(
    rows: Sequence[Job], before: str, to: Status, by: Actor, reason: str = "", error: str = ""
) -> None:
    if config.writes_transitions:
        JobTransition.objects.using(_alias()).bulk_create(
            JobTransition(
                job_id=row.id,
                from_status=before,
                to_status=to,
                actor=by,
                reason=reason,
                error=error,
            )
            for row in rows
        )


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except TransactionManagementError as error:
        raise EnqueueUnavailable(
            f"The job can't be enqueued: the database {database()!r} is out of reach, and the "
            f"surrounding atomic() block on {_alias()!r} is broken by an earlier database error."
        ) from error
    except Error as error:
        if not is_outage(error):
            raise
        raise EnqueueUnavailable(
            f"The job can't be enqueued: neither the database {database()!r} nor the buffer "
            f"{_alias()!r} takes it ({type(error).__name__})."
        ) from error
