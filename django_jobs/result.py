"""What ``now()``, ``batch()`` and ``await_result()`` return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from uuid import UUID

Result = TypeVar("Result")

#: ``JobMetadata.status`` of a batch entry that never ran because an earlier one failed.
NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class JobMetadata:
    """Facts about the attempt behind a :class:`JobResult`.

    Attributes:
        job_id: id of the row, or of the attempt alone when nothing was persisted.
        job_name: registered name.
        status: a :class:`~django_jobs.states.Status` value, or ``"not_run"``.
        attempt: number of the attempt, from 1; 0 when it did not run.
        duration: run time in seconds; ``None`` when unknown.
        correlation_id: id shared by related jobs, or ``""``.
        persisted: whether a row exists.
    """

    job_id: UUID | None
    job_name: str
    status: str
    attempt: int = 0
    duration: float | None = None
    correlation_id: str = ""
    persisted: bool = True


@dataclass(frozen=True, slots=True)
class JobResult(Generic[Result]):
    """The outcome of one job.

    Attributes:
        success: whether the job completed.
        data: what the function returned; ``None`` unless it succeeded.
        error: one line that says why it did not succeed, or ``None``.
        metadata: facts about the attempt.
        exception: what was raised, when it was raised in this process.
    """

    success: bool
    data: Result | None
    error: str | None
    metadata: JobMetadata
    exception: BaseException | None = field(default=None, compare=False, repr=False)
