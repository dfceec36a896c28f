"""The life of a job as a bar: how long it waited, ran, and waited again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared import shown
from django_jobs.states import TERMINAL, Status

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from django_jobs.models import Job, JobTransition

#: Phases of a bar, the newest; a job that retried a hundred times has more.
PHASES_MAX: Final = 12
#: Width of the drawing, and of a phase that took no time beside one that took hours.
WIDTH: Final = 1000.0
_NARROWEST: Final = 12.0

#: What a job did while it was in a status: when that is over, and while it lasts.
_WORDS: Final[dict[str, tuple[str | Promise, str | Promise]]] = {
    Status.PENDING_RECOVERY: (_("kept in the buffer"), _("kept in the buffer")),
    Status.SCHEDULED: (_("scheduled"), _("scheduled")),
    Status.PENDING: (_("waited"), _("waiting")),
    Status.RUNNING: (_("ran"), _("running")),
    Status.RETRYING: (_("waited to retry"), _("waiting to retry")),
}


@dataclass
class Phase:
    """A time in one status.

    Attributes:
        status: which one.
        start: when it began.
        end: when it ended; ``None`` for the moment in which the job ended.
        attempt: number of the attempt that began or ended it.
        is_now: whether it lasts.
        x: where it begins in the drawing.
        width: of it in the drawing.
    """

    status: str
    start: datetime
    end: datetime | None
    attempt: int
    is_now: bool = False
    x: float = 0.0
    width: float = 0.0

    @property
    def length(self) -> timedelta:
        return timedelta(0) if self.end is None else max(self.end - self.start, timedelta(0))

    @property
    def label(self) -> str:
        """What it did."""
        if self.status not in _WORDS:
            known = self.status in Status.values
            return str(Status(self.status).label) if known else self.status
        return str(_WORDS[self.status][self.is_now])

    @property
    def duration(self) -> str:
        return "" if self.end is None else shown.duration(self.length)

    @property
    def since(self) -> SafeString | str:
        return shown.moment(self.start)


@dataclass
class Phases:
    """The bar.

    Attributes:
        phases: in the order of time.
        is_cut: whether earlier ones were left out.
    """

    phases: list[Phase]
    is_cut: bool

    @property
    def drawn(self) -> list[Phase]:
        """Those that took time."""
        return [phase for phase in self.phases if phase.width]

    @property
    def total(self) -> str:
        return shown.duration(sum((phase.length for phase in self.phases), timedelta(0)))


def phases_of(job: Job, moves: Sequence[JobTransition], now: datetime) -> Phases:
    """Part a job's life into phases; ``moves`` are its transitions in the order of time."""
    found = list(_by_moves(job, moves, now) if moves else _by_row(job, now))
    phases = found[-PHASES_MAX:]
    _draw(phases)
    return Phases(phases, is_cut=len(found) > len(phases))


def _by_moves(job: Job, moves: Sequence[JobTransition], now: datetime) -> Iterator[Phase]:
    for move, following in pairwise(moves):
        yield Phase(move.to_status, move.at, following.at, _attempt(move))
    last = moves[-1]
    if last.to_status in TERMINAL:
        yield Phase(last.to_status, last.at, None, _attempt(last))
    else:
        yield Phase(last.to_status, last.at, now, _attempt(last), is_now=True)


def _by_row(job: Job, now: datetime) -> Iterator[Phase]:
    """What the row alone tells, when transitions are not kept or were deleted."""
    started = job.worker_started_at
    due = job.scheduled_for
    if started is None or job.status not in {*TERMINAL, Status.RUNNING}:
        if job.status not in TERMINAL:
            yield Phase(job.status, min(due, now), now, job.attempt_count, is_now=True)
    else:
        if due < started:
            yield Phase(Status.PENDING, due, started, job.attempt_count)
        end = job.completed_at or now
        is_now = job.status == Status.RUNNING
        yield Phase(Status.RUNNING, started, end, job.attempt_count, is_now=is_now)
    if job.status in TERMINAL and job.completed_at is not None:
        yield Phase(job.status, job.completed_at, None, job.attempt_count)


def _attempt(move: JobTransition) -> int:
    return move.attempt if move.to_status == Status.RUNNING else 0


def _draw(phases: Sequence[Phase]) -> None:
    """Widths in proportion to the time; no phase so narrow that it can't be seen."""
    lasting = [phase for phase in phases if phase.end is not None]
    total = sum(phase.length.total_seconds() for phase in lasting)
    to_share = WIDTH - _NARROWEST * len(lasting)
    x = 0.0
    for phase in lasting:
        share = phase.length.total_seconds() / total if total else 1 / len(lasting)
        phase.x, phase.width = round(x, 1), round(_NARROWEST + share * to_share, 1)
        x += _NARROWEST + share * to_share
