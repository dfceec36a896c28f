"""Records what people do to jobs, queues, workers and schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from django.db import router

from django_jobs.models import AuditAction, AuditSource, JobAudit
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

#: Job ids that one entry lists.
IDS_MAX: Final = 100

_source: ContextVar[AuditSource] = ContextVar("source", default=AuditSource.CODE)


@contextmanager
def through(source: AuditSource) -> Iterator[None]:
    """Say through what the operations of this block are done."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


def audit(
    action: AuditAction,
    *,
    by: str = "",
    target: str = "",
    reason: str = "",
    count: int = 0,
    details: Mapping[str, Any] | None = None,
) -> JobAudit:
    """Write an entry, in the caller's transaction if there is one.

    Args:
        action: what was done.
        by: who did it.
        target: the queue, worker, schedule or job.
        reason: why.
        count: how many jobs it changed.
        details: more of it, as JSON.
    """
    return JobAudit.objects.using(router.db_for_write(JobAudit)).create(
        action=action,
        source=_source.get(),
        actor=_text(by, 200),
        target=_text(target, 200),
        reason=_text(reason, 500),
        count=count,
        details=dict(details or {}),
    )


def some_ids(ids: Iterable[UUID]) -> list[str]:
    """The first :data:`IDS_MAX` ids as JSON knows them."""
    return [str(one) for one, _ in zip(ids, range(IDS_MAX), strict=False)]


def _text(text: str, limit: int) -> str:
    return clean_text(text, limit) if text else ""
