"""What the overview tells of the past: the chosen range for the chart, a day for the tiles."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, Self

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_jobs.states import Status
from django_jobs.stats import DepthPoint, depth_history, ended_over_time

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
#: How far back the rate of now looks.
_RATE_WINDOW: Final = timedelta(minutes=5)
#: Ends of attempts after which the job goes on.
_NO_ENDS: Final = frozenset({Status.RETRYING, Status.SCHEDULED, Status.PENDING})


@dataclass(frozen=True, slots=True)
class Range:
    """A length of time that the chart can show.

    Attributes:
        key: in the address.
        label: in the switch.
        length: of all.
        step: of one bar.
        scale: the number of jobs in one step, in words.
        tick: every so many bars have their time below them.
    """

    key: str
    label: str | Promise
    length: timedelta
    step: timedelta
    scale: str | Promise
    tick: int

    @property
    def has_days(self) -> bool:
        """Whether times need their date beside them."""
        return self.length > DAY


RANGES: Final = (
    Range("1h", _("1 hour"), HOUR, 2 * MINUTE, _("%(count)s in 2 minutes"), 10),
    Range("24h", _("24 hours"), DAY, HOUR, _("%(count)s an hour"), 6),
    Range("7d", _("7 days"), 7 * DAY, 4 * HOUR, _("%(count)s in 4 hours"), 6),
)
_USUAL: Final = RANGES[1]


def range_of(key: str | None) -> Range:
    """The range of this key, or the usual one."""
    return next((one for one in RANGES if one.key == key), _USUAL)


@dataclass(frozen=True)
class History:
    """What was read: two statements, whatever is drawn of it.

    Attributes:
        range: what the chart shows.
        now: when it was read.
        ended: minute or hour → outcome → attempts that ended.
        depths: live jobs by the minute, of one day.
    """

    range: Range
    now: datetime
    ended: dict[datetime, dict[str, int]]
    depths: list[DepthPoint]

    @classmethod
    def read(cls, chosen: Range) -> Self:
        """Read the range, and the day for the tiles."""
        now = timezone.now()
        since = min(_begin(now, chosen.length, chosen.step), _begin(now, DAY, HOUR))
        return cls(chosen, now, ended_over_time(since, MINUTE), depth_history(now - DAY, MINUTE))

    @property
    def since(self) -> datetime:
        """Where the chart begins."""
        return _begin(self.now, self.range.length, self.range.step)

    @cached_property
    def steps(self) -> list[tuple[datetime, Counter[str]]]:
        """Each step of the chart and how its attempts ended."""
        return self._folded(self.range.length, self.range.step)

    def hourly(self, *outcomes: Status) -> list[float]:
        """How many attempts ended so in each hour of a day."""
        return [
            float(sum(ends[outcome] for outcome in outcomes))
            for _start, ends in self._folded(DAY, HOUR)
        ]

    def rates(self) -> list[float | None]:
        """Jobs per minute in each hour of a day."""
        hours = self._folded(DAY, HOUR)
        minutes = [60.0] * (len(hours) - 1) + [max((self.now - hours[-1][0]) / MINUTE, 1.0)]
        return [_ended(ends) / length for (_, ends), length in zip(hours, minutes, strict=True)]

    def rate(self) -> float:
        """Jobs per minute, now."""
        since = _floor(self.now, MINUTE) - _RATE_WINDOW + MINUTE
        ended = sum(_ended(ends) for start, ends in self.ended.items() if start >= since)
        return ended / ((self.now - since) / MINUTE)

    def failed_lately(self) -> int:
        """Jobs that gave up within an hour."""
        since = self.now - HOUR
        return sum(ends.get(Status.FAILED, 0) for at, ends in self.ended.items() if at > since)

    def depth(self, status: Status, points: int = 96) -> list[float | None]:
        """The mean number of jobs of this status, evenly spaced over a day."""
        step = DAY / points
        found: list[list[float]] = [[] for _ in range(points)]
        for point in self.depths:
            place = int((point.start - (self.now - DAY)) / step)
            if 0 <= place < points:
                found[place].append(getattr(point, status))
        return [sum(values) / len(values) if values else None for values in found]

    def _folded(self, length: timedelta, step: timedelta) -> list[tuple[datetime, Counter[str]]]:
        since = _begin(self.now, length, step)
        steps = [(since + n * step, Counter[str]()) for n in range(round(length / step))]
        for start, ends in self.ended.items():
            place = (start - since) // step
            if 0 <= place < len(steps):
                steps[place][1].update(ends)
        return steps


def _begin(now: datetime, length: timedelta, step: timedelta) -> datetime:
    """The step of now is the last one."""
    return _floor(now, step) + step - length


def _floor(moment: datetime, step: timedelta) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // step * step


def _ended(ends: Counter[str] | dict[str, int]) -> int:
    return sum(count for outcome, count in ends.items() if outcome not in _NO_ENDS)
