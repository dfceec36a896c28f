"""The list of jobs: newest first, by the primary key, without ever counting the table."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.core.paginator import Paginator
from django.db.models.functions import Right

from django_jobs.admin import payload
from django_jobs.admin.bases import PlainChangeList
from django_jobs.admin.job_dates import date_links
from django_jobs.admin.job_filters import StatusFilter
from django_jobs.admin.job_search import FOUND_MAX
from django_jobs.admin.reach import WINDOW, Reach
from django_jobs.states import TERMINAL

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from django_jobs.models import Job

    BasePaginator = Paginator[Job]
else:
    BasePaginator = Paginator

#: Jobs that can be paged through, and that one action changes at most.
LIST_MAX: Final = 10_000
#: Characters of the end of a traceback, where it says what was raised.
ERROR_TAIL: Final = 600
#: Columns that may be large and that no list shows.
LARGE: Final = ("params", "result", "error", "tags")


class CappedPaginator(BasePaginator):
    """Counts no further than :data:`LIST_MAX`."""

    @cached_property
    def count(self) -> int:
        """The number of jobs, or :data:`LIST_MAX` if there are more."""
        return min(self._counted, LIST_MAX)

    @property
    def is_capped(self) -> bool:
        """Whether there are more."""
        return self._counted > LIST_MAX

    @cached_property
    def _counted(self) -> int:
        # With its order and limit the count is a short walk along the primary key.
        jobs: Any = self.object_list
        return int(jobs.values("pk")[: LIST_MAX + 1].count())


class JobChangeList(PlainChangeList):
    """What the page of the list shows."""

    #: For the template.
    window, list_max, found_max = WINDOW, LIST_MAX, FOUND_MAX

    #: Whether only the newest jobs were looked at.
    is_windowed = False

    @property
    def is_capped(self) -> bool:
        """Whether there are more jobs than can be paged through."""
        return bool(self.paginator.is_capped)

    @property
    def is_search_capped(self) -> bool:
        """Whether the search may have found more."""
        return bool(self.query) and self.result_count >= FOUND_MAX

    @cached_property
    def dates(self) -> dict[str, Any]:
        """The links of the date hierarchy."""
        return date_links(self)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Newest first, whatever the address says: other orders would sort the whole table.

        Jobs of one final status come by their end: that order has an index, and the newest of
        them may be far behind the newest jobs.
        """
        has_rest = bool(self.query) or Reach.of(request).since is not None
        ended = any(spec.value() in TERMINAL for spec in self._status_filters())
        if ended and not has_rest and not self._has_unindexed_filter():
            return ["-completed_at", "-pk"]
        return ["-pk"]

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Job]:
        """Filtered jobs without their large columns."""
        reach = Reach.of(request)
        queryset: Any = super().get_queryset(request, *args, **kwargs)
        queryset = reach.narrow(queryset)
        if self._has_unindexed_filter():
            queryset = reach.newest(queryset)
            self.is_windowed = reach.floor is not None
        elif self.query:
            self.is_windowed = reach.floor is not None
        queryset = queryset.defer(*LARGE)
        if payload.may_see(request):
            queryset = queryset.annotate(error_tail=Right("error", ERROR_TAIL))
        return queryset  # type: ignore[no-any-return]

    def _status_filters(self) -> list[StatusFilter]:
        return [spec for spec in self.filter_specs if isinstance(spec, StatusFilter)]

    def _has_unindexed_filter(self) -> bool:
        active = [spec for spec in self.filter_specs if spec.used_parameters]
        statuses = [spec for spec in self._status_filters() if spec in active]
        return len(active) > len(statuses) and not any(spec.leaves_few for spec in statuses)
