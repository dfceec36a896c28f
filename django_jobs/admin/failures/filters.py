"""Filters about failures: of the list of groups, and of the list of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.failures.page import DAY, WEEK
from django_jobs.models import OPEN_FAILURES, FailureState

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

#: The choices beside the states.
OPEN: Final = "open"
ALL: Final = "all"
TABS: Final[tuple[tuple[str, _StrOrPromise], ...]] = (
    (OPEN, _("open")),
    (FailureState.NEW, FailureState.NEW.label),
    (FailureState.REGRESSED, FailureState.REGRESSED.label),
    (FailureState.ONGOING, FailureState.ONGOING.label),
    (FailureState.MUTED, FailureState.MUTED.label),
    (FailureState.RESOLVED, FailureState.RESOLVED.label),
    (ALL, _("all")),
)


class StateFilter(admin.SimpleListFilter):
    """By state: what is open unless something else was chosen."""

    title = _("state")
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, _StrOrPromise]]:
        """The tabs."""
        return list(TABS)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The groups of a tab."""
        chosen = self.value() or OPEN
        if chosen == ALL:
            return queryset
        if chosen == OPEN:
            return queryset.filter(state__in=OPEN_FAILURES)
        if chosen not in FailureState.values:
            raise IncorrectLookupParameters(self.parameter_name)
        return queryset.filter(state=chosen)

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Without Django's own “all”: the first tab is that of no choice."""
        chosen = self.value() or OPEN
        for value, label in TABS:
            parameter = {} if value == OPEN else {self.parameter_name: value}
            yield {
                "selected": chosen == value,
                "query_string": changelist.get_query_string(parameter, [self.parameter_name, "p"]),
                "display": label,
                "value": value,
            }


class PeriodFilter(admin.SimpleListFilter):
    """How long the curves are; it leaves out nothing."""

    title = _("curves")
    parameter_name = "period"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, _StrOrPromise]]:
        """A day or a week."""
        return [("7d", _("7 days"))]

    @property
    def length(self) -> timedelta:
        """How long."""
        return WEEK if self.value() == "7d" else DAY

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """All."""
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """A day, unless something else was chosen."""
        for value, label in ((None, _("24 hours")), ("7d", _("7 days"))):
            yield {
                "selected": (self.length == WEEK) == (value is not None),
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": label,
            }
