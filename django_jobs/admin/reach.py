"""How far back a list of jobs looks, so that no page reads the whole table.

Ids are UUIDv7: they hold the time, and the primary key is an index by age. Questions that have
no other index are asked only about the newest jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from django_jobs.models import Job, JobQuerySet

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Jobs that a question without an index is asked about.
WINDOW: Final = 50_000
#: Ids are made by the producers' clocks, and before the row is inserted.
SLACK: Final = timedelta(days=1)

DATE_FIELD: Final = "created_at"


@dataclass
class Reach:
    """The ids that the list of one request looks at.

    Attributes:
        since: the smallest id of the chosen dates; ``None``: no dates were chosen.
        until: an id after all of the chosen dates.
    """

    since: UUID | None = None
    until: UUID | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """The reach of a request, the same one each time.

        Bad dates choose nothing; the list itself refuses them.
        """
        reach: Self | None = getattr(request, "_jobs_reach", None)
        if reach is None:
            reach = cls._read(request)
            request._jobs_reach = reach  # type: ignore[attr-defined]
        return reach

    @classmethod
    def _read(cls, request: HttpRequest) -> Self:
        try:
            year, month, day = (
                int(text) if (text := request.GET.get(f"{DATE_FIELD}__{part}")) else None
                for part in ("year", "month", "day")
            )
            if year is None:
                return cls()
            start = datetime(year, month or 1, day or 1, tzinfo=UTC)
            length = timedelta(days=1 if day else 31 if month else 366)
            return cls(_id_at(start - SLACK), _id_at(start + length + SLACK))
        except (ValueError, OverflowError):
            return cls()

    def narrow(self, queryset: JobQuerySet) -> JobQuerySet:
        """Let the index by id find the chosen dates."""
        if self.since is not None:
            queryset = queryset.filter(pk__gte=self.since, pk__lt=self.until)
        return queryset

    def newest(self, queryset: JobQuerySet) -> JobQuerySet:
        """Keep the newest :data:`WINDOW` jobs of the chosen dates."""
        queryset = self.narrow(queryset)
        return queryset if self.floor is None else queryset.filter(pk__gte=self.floor)

    @cached_property
    def floor(self) -> UUID | None:
        """The id where the window begins; ``None`` if it holds everything."""
        ids = self.narrow(Job.objects.order_by("-pk")).values_list("pk", flat=True)
        return next(iter(ids[WINDOW - 1 : WINDOW]), None)


def _id_at(moment: datetime) -> UUID:
    """The smallest id that a job of this millisecond can have."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)
