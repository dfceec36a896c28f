"""What an attempt decided: decided first, then persisted by a store (idea: Oban's executor)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from django_jobs.states import Status

if TYPE_CHECKING:
    from datetime import datetime

    from django_jobs.fingerprints import Signature


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decision about one attempt.

    Attributes:
        status: where the job goes.
        result: the encoded return value of a completed job.
        error: traceback or message, already storable text.
        reason: a short word or sentence for operators.
        delay: seconds from now until the job is due again.
        due: an absolute time instead of ``delay``.
        failed: whether it counts as a failure against ``max_attempts``.
        crashed: whether it counts as a crash against ``CRASH_LIMIT``.
        exception: what was raised, for signals in this process.
        signature: what tells this failure from others.
    """

    status: Status
    result: Any = field(default=None, repr=False)
    error: str = ""
    reason: str = ""
    delay: float = 0.0
    due: datetime | None = None
    failed: bool = False
    crashed: bool = False
    exception: BaseException | None = field(default=None, compare=False, repr=False)
    signature: Signature | None = None

    @classmethod
    def complete(cls, result: Any) -> Outcome:
        return NOTHING_RETURNED if result is None else cls(Status.COMPLETED, result=result)

    @classmethod
    def retry(
        cls,
        delay: float,
        error: str,
        reason: str = "",
        exception: BaseException | None = None,
        signature: Signature | None = None,
    ) -> Self:
        return cls(
            Status.RETRYING,
            delay=delay,
            error=error,
            reason=reason,
            failed=True,
            exception=exception,
            signature=signature,
        )

    @classmethod
    def fail(
        cls,
        error: str,
        reason: str,
        exception: BaseException | None = None,
        signature: Signature | None = None,
    ) -> Self:
        return cls(
            Status.FAILED,
            error=error,
            reason=reason,
            failed=True,
            exception=exception,
            signature=signature,
        )

    @classmethod
    def snooze(cls, delay: float, due: datetime | None, reason: str) -> Self:
        return cls(Status.SCHEDULED, delay=delay, due=due, reason=reason or "snoozed")

    @classmethod
    def discard(cls, reason: str, error: str = "", exception: BaseException | None = None) -> Self:
        return cls(Status.DISCARDED, reason=reason, error=error, exception=exception)

    @classmethod
    def cancel(cls, reason: str) -> Self:
        return cls(Status.CANCELLED, reason=reason)

    @classmethod
    def release(cls, reason: str) -> Self:
        """Hand the job back unfinished: it costs neither a failure nor a crash."""
        return cls(Status.PENDING, reason=reason)


#: Reason of a job that gave up because its process died too often.
CRASH_LIMIT_REASON: Final = "crash_limit"
#: What most jobs come to: made once.
NOTHING_RETURNED: Final = Outcome(Status.COMPLETED)
