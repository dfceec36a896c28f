"""What operators do to jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError
from django.db.models import Count
from django.db.models.functions import Now

from django_jobs.models import JobLog, LogLevel
from django_jobs.states import DELAYED, RETRYABLE, WAITING, Actor, Status, sources_of
from django_jobs.stores import hints
from django_jobs.stores.base import Store
from django_jobs.stores.database.moves import (
    Row,
    database,
    jobs,
    locked_rows,
    move,
    writing,
)
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.records import Moved

if TYPE_CHECKING:
    from uuid import UUID


class Operating(Store):
    """Verbs of operators; each takes a batch of ids."""

    @retried
    def retry(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        with writing():
            moved, rows = _sort_out(ids, RETRYABLE)
            _restart(rows, moved, actor=actor, reason=reason or "retry")
        hints.announce_on_commit(database())
        return moved

    @retried
    def run_now(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        with writing():
            moved, rows = _sort_out(ids, DELAYED)
            changes = {"scheduled_for": Now()}
            move(
                rows,
                Status.PENDING,
                Actor.OPERATOR,
                actor=actor,
                reason=reason or "run now",
                changes=changes,
            )
        hints.announce_on_commit(database())
        return moved

    @retried
    def cancel(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        with writing():
            moved, rows = _sort_out(ids, WAITING | {Status.RUNNING})
            waiting = [row for row in rows if row.status != Status.RUNNING]
            running = [row for row in rows if row.status == Status.RUNNING]
            move(waiting, Status.CANCELLED, Actor.OPERATOR, actor=actor, reason=reason or "cancel")
            _ask_to_stop(running, actor, reason)
        return moved

    @retried
    def discard(self, ids: Sequence[UUID], actor: str, reason: str) -> Moved:
        with writing():
            moved, rows = _sort_out(ids, sources_of(Status.DISCARDED, Actor.OPERATOR))
            move(rows, Status.DISCARDED, Actor.OPERATOR, actor=actor, reason=reason or "discard")
        return moved

    def count_by_state(self, queue: str | None = None) -> dict[str, int]:
        counted = jobs() if queue is None else jobs().for_queue(queue)
        return dict(counted.values_list("status").annotate(Count("id")).order_by("status"))


def _ask_to_stop(rows: Sequence[Row], actor: str, reason: str) -> None:
    """Running jobs end by themselves; until then the log tells who asked, and why."""
    asked = jobs().filter(id__in=[row.id for row in rows], status=Status.RUNNING)
    asked.update(cancel_requested_at=Now())
    message = f"cancel requested by {actor}" + (f": {reason}" if reason else "")
    JobLog.objects.using(database()).bulk_create(
        JobLog(
            job_id=row.id,
            attempt=row.attempt,
            at=Now(),
            level=LogLevel.WARNING,
            message=message,
        )
        for row in rows
    )


def _sort_out(ids: Sequence[UUID], allowed: Collection[Status]) -> tuple[Moved, list[Row]]:
    """Lock the jobs in one order and part those that may move from those that may not."""
    found = locked_rows(jobs().filter(id__in=ids).order_by("id"), skip_locked=False)
    rows = [row for row in found if row.status in allowed]
    skipped = {row.id: _label(row.status) for row in found if row.status not in allowed}
    known = {row.id for row in found}
    skipped |= {job_id: "no such job" for job_id in ids if job_id not in known}
    return Moved([row.id for row in rows], skipped), rows


def _label(status: str) -> str:
    """The word for people; that of a newer version's status is all there is."""
    return str(Status(status).label) if status in Status.values else status


_AFRESH: dict[str, Any] = {
    "scheduled_for": Now(),
    "failure_count": 0,
    "crash_count": 0,
    "progress": 0,
    "progress_message": "",
    "result": None,
    "expires_at": None,
}


def _restart(rows: Sequence[Row], moved: Moved, *, actor: str, reason: str) -> None:
    """Move all at once; if a live job takes a unique key meanwhile, one by one."""
    try:
        with writing(savepoint=True):
            _to_pending(rows, actor, reason)
    except IntegrityError:
        for row in rows:
            _restart_one(row, moved, actor=actor, reason=reason)


def _restart_one(row: Row, moved: Moved, *, actor: str, reason: str) -> None:
    try:
        with writing(savepoint=True):
            _to_pending([row], actor, reason)
    except IntegrityError:
        moved.done.remove(row.id)
        moved.skipped[row.id] = "a live job holds its unique key"


def _to_pending(rows: Sequence[Row], actor: str, reason: str) -> None:
    move(rows, Status.PENDING, Actor.OPERATOR, actor=actor, reason=reason, changes=_AFRESH)
