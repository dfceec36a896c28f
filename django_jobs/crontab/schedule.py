"""When a cron expression fires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from django_jobs.crontab.fields import fields_of, is_hashed
from django_jobs.crontab.zones import end_of_gap, overlap, zone_named
from django_jobs.exceptions import CronNeverFires, CronTooFrequent, InvalidCron

if TYPE_CHECKING:
    from croniter import croniter

_HOUR: Final = 1
_NONE: Final = timedelta(0)

# Where the search for the first fire and for the shortest interval begins: any moment will do,
# a fixed one makes the verdict on an expression the same on every day.
_SAMPLE_START: Final = datetime(2024, 1, 1)  # noqa: DTZ001 - a wall-clock time
_SAMPLE_FIRES: Final = 1500


@dataclass(frozen=True)
class Crontab:
    """A cron expression in a time zone.

    Day of month and day of week combine as in cron: when both are given, either fires. ``H``
    stands for a fixed value that is derived from the name of the schedule.

    Clock changes:

    - A wall-clock time that the clock skips (02:30 on the spring night) fires once, right
      after the gap. Several of them make one fire.
    - A wall-clock time that occurs twice (02:30 on the autumn night) fires once, the first time.
    - Schedules whose hour is ``*`` or has a step follow real time instead: they fire in both
      passes of a repeated hour, and a skipped time fires right after the gap only if the
      schedule would not fire anyway within the length of the gap after it.

    All returned datetimes are aware and in UTC, in ascending order, each one only once.
    """

    expression: str
    timezone: str
    name: str = ""

    @classmethod
    def parse(
        cls,
        expression: str,
        timezone: str = "UTC",
        name: str = "",
        *,
        min_interval: float = 60.0,
    ) -> Crontab:
        """Check an expression and return its schedule.

        Args:
            expression: five fields, or an alias such as ``@daily``; see :mod:`.fields`.
            timezone: name of the time zone in which the fields are meant.
            name: the schedule's name, from which ``H`` takes its value.
            min_interval: seconds that must lie between two fires.

        Raises:
            InvalidCron: it cannot be read; the message names the field.
            CronNeverFires: no date matches it, for example February 30.
            CronTooFrequent: it fires more often than ``min_interval`` allows.
            InvalidTimezone: there is no such time zone.
        """
        zone_named(timezone)
        fields = fields_of(expression)
        if is_hashed(fields) and not name:
            raise InvalidCron("cron: 'H' takes its value from the name; this schedule has none.")
        crontab = cls(expression, timezone, name)
        crontab._check_that_it_fires()
        crontab._check_interval(min_interval)
        return crontab

    def next_after(self, moment: datetime) -> datetime:
        """Return the first fire strictly after ``moment``, in UTC.

        Raises:
            ValueError: ``moment`` is naive.
            CronNeverFires: there is none before the end of the calendar.
        """
        found = [self._first_after(moment, fold) for fold in self._folds]
        fires = [fire for fire in found if fire is not None]
        if not fires:
            raise CronNeverFires(f"cron: {self.expression!r} does not fire any more.")
        return min(fires)

    def fires_between(self, start: datetime, end: datetime, limit: int) -> list[datetime]:
        """Return at most ``limit`` fires, the earliest, with ``start < fire <= end``."""
        fires: list[datetime] = []
        moment = start
        while len(fires) < limit:
            try:
                moment = self.next_after(moment)
            except CronNeverFires:
                break
            if moment > end:
                break
            fires.append(moment)
        return fires

    def latest_between(self, start: datetime, end: datetime, limit: int = 1) -> list[datetime]:
        """Return at most ``limit`` fires, the latest, with ``start < fire <= end``.

        They are in ascending order. The cost depends on ``limit``, not on the length of the
        time, so it suits a schedule that was not looked at for years.
        """
        fires: list[datetime] = []
        moment = end + timedelta(microseconds=1)
        while len(fires) < limit:
            found = [self._last_before(moment, fold) for fold in self._folds]
            earlier = [fire for fire in found if fire is not None]
            if not earlier or max(earlier) <= start:
                break
            moment = max(earlier)
            fires.append(moment)
        return fires[::-1]

    @cached_property
    def _zone(self) -> ZoneInfo:
        return zone_named(self.timezone)

    @cached_property
    def _fields(self) -> list[str]:
        return fields_of(self.expression)

    @cached_property
    def _follows_real_time(self) -> bool:
        hour = self._fields[_HOUR]
        return hour == "*" or "/" in hour

    @property
    def _folds(self) -> tuple[int, ...]:
        """Which passes of a repeated hour fire: the first, or the first and the second."""
        return (0, 1) if self._follows_real_time else (0,)

    def _first_after(self, moment: datetime, fold: int) -> datetime | None:
        """The first fire after ``moment`` if times that occur twice mean pass ``fold``."""
        wall, repeat = self._wall(moment)
        # Seen from the first pass, times that the clock already showed come again.
        start = wall - repeat if fold else wall
        for candidate in self._walls(start):
            fire = self._instant(candidate, fold)
            if fire is not None and fire > moment:
                return fire
        return None

    def _last_before(self, moment: datetime, fold: int) -> datetime | None:
        """The last fire before ``moment`` if times that occur twice mean pass ``fold``."""
        wall, _ = self._wall(moment)
        # Seen from the second pass, times later on the clock were already shown once.
        start = wall + max(overlap(wall, self._zone), _NONE) if not fold else wall
        for candidate in self._walls(start + timedelta(microseconds=1), backwards=True):
            fire = self._instant(candidate, fold)
            if fire is not None and fire < moment:
                return fire
        return None

    def _wall(self, moment: datetime) -> tuple[datetime, timedelta]:
        """The wall-clock time of ``moment``, and how much later it will occur again."""
        if moment.tzinfo is None:
            raise ValueError("moment must be aware: give it a time zone.")
        local = moment.astimezone(self._zone)
        wall = local.replace(tzinfo=None, fold=0)
        repeat = _NONE if local.fold else max(overlap(wall, self._zone), _NONE)
        return wall, repeat

    def _instant(self, wall: datetime, fold: int) -> datetime | None:
        """The moment at which the matching time ``wall`` fires, if it does."""
        jump = overlap(wall, self._zone)
        if jump >= _NONE:
            return wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
        fire = end_of_gap(wall, self._zone)
        if self._follows_real_time:
            landing, _ = self._wall(fire)
            soon = next(self._walls(landing - timedelta(microseconds=1)), None)
            if soon is not None and soon < landing - jump:
                return None
        return fire

    def _walls(self, start: datetime, *, backwards: bool = False) -> Iterator[datetime]:
        """Yield the matching wall-clock times after (or before) ``start``, without zone."""
        times = self._croniter(start)
        advance = times.get_prev if backwards else times.get_next
        while True:
            try:
                yield advance(datetime)
            except (OverflowError, ValueError):  # the end of the calendar
                return

    def _croniter(self, start: datetime) -> croniter:
        # Its errors are ValueErrors. A web process that computes no fires need not load it.
        from croniter import croniter

        return croniter(" ".join(self._fields), start, hash_id=self.name or None)

    def _check_that_it_fires(self) -> None:
        try:
            self._croniter(_SAMPLE_START)
        except (ValueError, KeyError) as error:
            raise InvalidCron(f"cron: {self.expression!r} cannot be read: {error}.") from None
        if next(self._walls(_SAMPLE_START), None) is None:
            raise CronNeverFires(f"cron: no date ever matches {self.expression!r}.")

    def _check_interval(self, min_interval: float) -> None:
        if min_interval <= 60:  # five fields cannot fire more often than once a minute
            return
        sample = islice(self._walls(_SAMPLE_START), _SAMPLE_FIRES)
        for first, second in pairwise(sample):
            seconds = (second - first).total_seconds()
            if seconds < min_interval:
                raise CronTooFrequent(
                    f"cron: {self.expression!r} fires every {seconds:g} s at times; "
                    f"at least {min_interval:g} s must lie between two fires."
                )
