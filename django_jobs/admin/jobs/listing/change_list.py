"""The list of jobs: newest first, by key, without ever counting the table."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django.core.paginator import Paginator
from django.db.models.functions import Right
from django.utils import timezone
from django.utils.translation import gettext as _

from django_jobs.admin.jobs.bounds import Bounds
from django_jobs.admin.jobs.bulk import SELECTION
from django_jobs.admin.jobs.listing import reach
from django_jobs.admin.jobs.listing import search as job_search
from django_jobs.admin.jobs.listing.dates import date_links
from django_jobs.admin.jobs.listing.filters import conditions_of, known_queues, unseen
from django_jobs.admin.jobs.listing.paging import AFTER, BEFORE, Page, page_of
from django_jobs.admin.jobs.listing.query import Query, parse
from django_jobs.admin.shared import payload, shown, sight
from django_jobs.admin.shared.bases import PlainChangeList
from django_jobs.conditions import jobs_showing
from django_jobs.models import Job
from django_jobs.permissions import has_own_rules
from django_jobs.selection import Selection

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpRequest

    from django_jobs.models import JobQuerySet

#: Characters of the end of a traceback, where it says what was raised.
ERROR_TAIL: Final = 600
#: Columns that may be large and that no list shows.
LARGE: Final = ("params", "result", "error", "tags")


class JobChangeList(PlainChangeList):
    """What the page of the list shows."""

    #: Whom the list shows, without pages.
    selection: Selection
    #: What of the search was understood.
    asked: Query
    page: Page
    #: Jobs that were looked at, if not all.
    window: int

    #: For the template.
    found_max = job_search.FOUND_MAX

    @property
    def is_windowed(self) -> bool:
        """Whether only the newest jobs were looked at."""
        return reach.is_windowed(self.selection) or self._are_words_windowed

    @property
    def is_search_capped(self) -> bool:
        """Whether the search for words may have found more."""
        return self.selection.ids is not None and len(self.selection.ids) >= self.found_max

    @cached_property
    def dates(self) -> dict[str, Any]:
        """The links of the date hierarchy."""
        return date_links(self)

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The jobs without their large columns."""
        self._keys = {name: request.GET[name] for name in (BEFORE, AFTER) if name in request.GET}
        for name in self._keys:
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        super().get_queryset(request, *args, **kwargs)  # it refuses what is no filter
        bounds = Bounds.read(request.POST)
        now = shown.local(bounds.as_of if bounds else timezone.now())
        self.asked = understood(self.query, now, payload.may_see(request))
        self.selection = self._selected(request)
        SELECTION.put(request, self.selection)
        return self.jobs(request)

    def jobs(self, request: HttpRequest) -> JobQuerySet:
        """What is selected, as the list shows it."""
        if self.asked.errors:
            return Job.objects.none()
        queryset: JobQuerySet = self.selection.queryset().order_by(*self.selection.order)
        needed = ("params",) if any(one.path for one in self.selection.conditions) else ()
        queryset = queryset.defer(*(name for name in LARGE if name not in needed))
        if payload.may_see(request):
            queryset = queryset.annotate(error_tail=Right("error", ERROR_TAIL))
        return queryset

    def get_results(self, request: HttpRequest) -> None:
        """The rows of one page; the rest is not counted."""
        by_end = self.selection.is_by_end
        self.page = page_of(self.queryset, self._keys, self.list_per_page, by_end)
        self.result_list = sight.seen(request, self.selection.seen(self.page.jobs))
        self.result_count = len(self.result_list) + bool(self.page.older or self.page.newer)
        # Where it differs, django-unfold tells both beside the title; here nobody counted.
        self.full_result_count = self.result_count
        self.can_show_all, self.multi_page, self.show_admin_actions = True, False, True
        self.paginator = Paginator(self.result_list, self.list_per_page)

    @property
    def newest_link(self) -> str:
        """The first page."""
        return self.get_query_string()

    @property
    def newer_link(self) -> str:
        """The page before this one, if there is one."""
        return self.get_query_string({AFTER: self.page.newer}) if self.page.newer else ""

    @property
    def older_link(self) -> str:
        """The page after this one, if there is one."""
        return self.get_query_string({BEFORE: self.page.older}) if self.page.older else ""

    def _selected(self, request: HttpRequest) -> Selection:
        self._are_words_windowed = False
        conditions = (*conditions_of(self.filter_specs), *reach.dates_of(request))
        if has_own_rules():
            conditions = (*conditions, *unseen(request, known_queues()))
        selection = Selection((*conditions, *self.asked.conditions))
        self.window = reach.window_of(selection)
        if self.asked.errors:
            return selection.with_(ids=())  # an action must not take the rest of it for all
        if self.asked.words:
            selection, self._are_words_windowed = job_search.found(selection, self.asked.words)
            return selection
        return reach.windowed(selection)


def understood(text: str, now: datetime, with_payload: bool) -> Query:
    """The search, without what this user must not ask."""
    asked = parse(text, now)
    errors = list(asked.errors)
    for condition in asked.conditions:
        if condition.is_payload and not with_payload:
            errors.append(f"{condition.field}: {payload.needed()}")
        elif condition.path and not jobs_showing(condition.path):
            errors.append(
                _("%(field)s: its values are hidden, so nobody can search for them.")
                % {"field": condition.field}
            )
    return Query(asked.conditions, asked.words, tuple(errors))
