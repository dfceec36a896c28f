"""Options of a job: what ``@job(...)`` fixes and ``using(...)`` changes for one enqueue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Self, TypedDict

from django.utils import timezone

from django_jobs.exceptions import InvalidOption
from django_jobs.option_checks import CHECKS, ExceptionTypes

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import Model

    from django_jobs import backoff as backoffs


Exceptions = type[BaseException] | Collection[type[BaseException]]


class DefinitionOptions(TypedDict, total=False):
    """What ``@job`` takes, besides a name and aliases."""

    queue: str
    priority: int
    max_attempts: int | None
    backoff: backoffs.Policy | None
    timeout: float | timedelta | None
    retry_for: Exceptions
    discard_for: Exceptions
    atomic: bool
    isolation: Literal["thread", "process"]
    sensitive: Collection[str]


class UsingOptions(TypedDict, total=False):
    """What ``using()`` takes."""

    queue: str
    priority: int
    delay: float | timedelta | None
    scheduled_for: datetime | None
    expires_at: datetime | None
    max_attempts: int | None
    timeout: float | timedelta | None
    unique_key: str | None
    on_conflict: Literal["return", "raise"]
    correlation_id: str
    subject: Model | None
    tags: Collection[str]
    persist: bool
    lease: float | timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How a job is enqueued and run. Every value was checked.

    Attributes:
        queue: name of the queue.
        priority: lower runs first; a signed 32-bit integer.
        max_attempts: failures after which the job gives up; ``None`` means ``MAX_ATTEMPTS``.
        backoff: see :mod:`django_jobs.backoff`; ``None`` means ``BACKOFF``.
        timeout: longest run time in seconds; ``None`` sets no limit.
        retry_for: exceptions to retry; empty means all.
        discard_for: exceptions that drop the job.
        atomic: whether its writes, its result and its end are one transaction.
        isolation: whether workers run it in a ``"thread"`` or in a ``"process"`` of its own.
        sensitive: parameters, and keys at any depth, whose values are never shown.
        delay: seconds from now, by the database's clock.
        scheduled_for: not before this aware time.
        expires_at: not started after this aware time.
        unique_key: at most one live job has this key.
        on_conflict: ``"return"`` the live job with the same key, or ``"raise"``.
        correlation_id: shared by related jobs; inherited by jobs enqueued inside a job.
        subject: the saved model instance that the job is about, as ``app.model:key``.
        tags: words to find the job by.
        persist: whether ``now()`` and ``batch()`` write a row.
        lease: seconds that ``now()`` may take before others deem it lost.
    """

    queue: str = "default"
    priority: int = 0
    max_attempts: int | None = None
    backoff: backoffs.Policy | None = None
    timeout: float | None = None
    retry_for: ExceptionTypes = ()
    discard_for: ExceptionTypes = ()
    atomic: bool = False
    isolation: str = "thread"
    sensitive: tuple[str, ...] = ()
    delay: float | None = None
    scheduled_for: datetime | None = None
    expires_at: datetime | None = None
    unique_key: str | None = None
    on_conflict: str = "return"
    correlation_id: str = ""
    subject: str = ""
    tags: tuple[str, ...] = ()
    persist: bool = True
    lease: float | None = None

    def changed(self, changes: Mapping[str, object], allowed: Iterable[str]) -> Self:
        """Return a copy with some options changed, each checked.

        Raises:
            TypeError: an option of that name does not exist.
            InvalidOption: a value is of the wrong type or out of range.
        """
        allowed = tuple(allowed)
        for name in changes:
            if name not in allowed:
                raise TypeError(f"There is no option {name!r}; there are: {', '.join(allowed)}.")
        checked = {name: CHECKS[name](value) for name, value in changes.items()}
        options = replace(self, **checked)
        options._check_together()
        return options

    def _check_together(self) -> None:
        if self.delay is not None and self.scheduled_for is not None:
            raise InvalidOption("delay, scheduled_for: give one of them, not both.")
        if self.expires_at is None:
            return
        starts = self.scheduled_for or timezone.now() + timedelta(seconds=self.delay or 0)
        if self.expires_at <= starts:
            raise InvalidOption("expires_at: must be later than the time the job is due.")
