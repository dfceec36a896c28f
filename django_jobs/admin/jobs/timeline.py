"""The story of one job, attempt by attempt: transitions, tracebacks and log lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeVar

from django.utils.translation import gettext as _

from django_jobs.admin.shared import shown
from django_jobs.models import Job, JobLog, JobTransition
from django_jobs.states import Status

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

RowT = TypeVar("RowT")

#: Rows of each kind that the page shows, the newest.
TRANSITIONS_MAX: Final = 200
LINES_MAX: Final = 300
#: Characters of all tracebacks together that the page shows, and of all log lines: it is fetched
#: again and again while the job runs.
TEXT_MAX: Final = 200_000
#: Actors in whose hands a job speaks for itself.
_RUNNERS: Final = ("worker:", "caller:")


@dataclass
class Step:
    """A transition and how long after the one before it came; what it raised may be cut."""

    transition: JobTransition
    after: timedelta | None
    with_payload: bool
    error: str

    @property
    def at(self) -> SafeString | str:
        return shown.moment(self.transition.at)

    @property
    def delay(self) -> str:
        return "" if self.after is None else f"+{shown.duration(self.after)}"

    @property
    def before(self) -> SafeString | str:
        move = self.transition
        if not move.from_status:
            return ""
        return shown.badge(move.from_status, move.get_from_status_display())

    @property
    def to(self) -> SafeString:
        return shown.badge(self.transition.to_status, self.transition.get_to_status_display())

    @property
    def reason(self) -> str:
        """Why; what the job itself said is as secret as its error."""
        is_told = self.with_payload or not self._is_of_the_job
        return self.transition.reason if is_told else ""

    @property
    def _is_of_the_job(self) -> bool:
        move = self.transition
        return move.actor.startswith(_RUNNERS) and move.to_status != Status.PENDING

    @property
    def error_line(self) -> str:
        return shown.error_line(self.error)


@dataclass
class Line:
    """A line that the job wrote."""

    line: JobLog

    @property
    def at(self) -> SafeString | str:
        return shown.moment(self.line.at)

    @property
    def level(self) -> SafeString:
        return shown.badge(f"level-{self.line.level}", self.line.get_level_display())

    @property
    def data(self) -> str:
        text = json.dumps(self.line.data, ensure_ascii=False)[:2000] if self.line.data else ""
        return shown.printable(text)


@dataclass
class Attempt:
    """One claim and what came of it; number 0 is the time before the first."""

    number: int
    steps: list[Step] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def title(self) -> str:
        if not self.number:
            return _("Before the first attempt")
        return _("Attempt %(number)d") % {"number": self.number}

    @property
    def gist(self) -> str:
        """What it came to, for the folded heading."""
        return next((step.error_line for step in self.steps if step.error), "")


@dataclass
class Timeline:
    """All of it, the newest attempt first.

    Attributes:
        attempts: each with its steps and lines in the order of time.
        is_cut: whether older steps or lines were left out.
        moves: the transitions in the order of time.
    """

    attempts: list[Attempt]
    is_cut: bool
    moves: list[JobTransition]


def timeline_of(job: Job, with_payload: bool) -> Timeline:
    """Read the story of a job; without payload, only who moved it and when."""
    moves = list(job.transitions.order_by("-id")[: TRANSITIONS_MAX + 1])
    lines = list(job.log_lines.order_by("-id")[: LINES_MAX + 1]) if with_payload else []
    newest = _fitting(lines[:LINES_MAX], lambda line: len(line.message))
    told = moves[:TRANSITIONS_MAX]
    whole = {move.pk for move in _fitting(told, lambda move: len(move.error) * with_payload)}
    is_cut = len(moves) > len(whole) or len(lines) > len(newest)
    in_order = told[::-1]
    attempts: dict[int, Attempt] = {}
    before: JobTransition | None = None
    for move in in_order:
        error = move.error if move.pk in whole else shown.error_line(move.error)
        after = None if before is None else move.at - before.at
        step = Step(move, after, with_payload, error if with_payload else "")
        attempts.setdefault(move.attempt, Attempt(move.attempt)).steps.append(step)
        before = move
    for line in reversed(newest):
        attempts.setdefault(line.attempt, Attempt(line.attempt)).lines.append(Line(line))
    newest_first = [attempts[number] for number in sorted(attempts, reverse=True)]
    return Timeline(newest_first, is_cut, in_order)


def _fitting(newest_first: list[RowT], length: Callable[[RowT], int]) -> list[RowT]:
    """The first rows whose texts have :data:`TEXT_MAX` characters together, but at least one."""
    lengths = accumulate(map(length, newest_first))
    return [
        row
        for place, (row, total) in enumerate(zip(newest_first, lengths, strict=True))
        if total <= TEXT_MAX or not place
    ]
