"""What operators do to queues: pause, resume, limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from django.db.models.functions import Now

from django_jobs.models import Queue
from django_jobs.stores import hints
from django_jobs.stores.database.limiting import Limiting
from django_jobs.stores.database.moves import database, lock, seconds_from_now, writing
from django_jobs.stores.database.retrying import retried

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from django_jobs.stores.records import Until

_OPEN: Final = {"paused_at": None, "paused_by": "", "pause_reason": "", "paused_until": None}


class Governing(Limiting):
    """Verbs about one queue."""

    @retried
    def pause(self, queue: str, actor: str, reason: str, until: Until | None = None) -> bool:
        end: Any = seconds_from_now(until) if isinstance(until, int | float) else until
        why = {"paused_by": actor, "pause_reason": reason, "paused_until": end}
        with writing():
            _make(queue)
            row = _queues().filter(name=queue)
            changed = row.filter(paused_at__isnull=True).update(paused_at=Now(), **why)
            if not changed and until is not None:
                changed = row.update(**why)
        return bool(changed)

    def resume(self, queue: str) -> bool:
        return _open(_queues().filter(name=queue, paused_at__isnull=False))

    def resume_due(self, queue: str) -> bool:
        paused = _queues().filter(name=queue, paused_at__isnull=False)
        return _open(paused.filter(paused_until__lte=Now()))

    def is_paused(self, queue: str) -> bool:
        return _queues().filter(name=queue, paused_at__isnull=False).exists()

    @retried
    def limit(self, queue: str, limits: Mapping[str, int | None]) -> dict[str, int | None]:
        with writing():
            _make(queue)
            locked: Any = lock(cast("Any", _queues().filter(name=queue)), skip_locked=False)
            row = locked.values(*limits).get()
            _queues().filter(name=queue).update(**limits)
        self.limited.forget()
        hints.announce_on_commit(database())
        return dict(row)


def _make(queue: str) -> None:
    # Not get_or_create(): on SQLite a transaction had better begin with a write.
    _queues().bulk_create([Queue(name=queue)], ignore_conflicts=True)


def _queues() -> QuerySet[Queue]:
    return Queue.objects.using(database())


@retried
def _open(paused: QuerySet[Queue]) -> bool:
    changed = paused.update(**_OPEN)
    hints.announce_on_commit(database())
    return bool(changed)
