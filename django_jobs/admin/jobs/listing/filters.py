"""Filters of the job list. Their choices come from code and small tables, never from the jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared import shown, sight
from django_jobs.conditions import UNFINISHED, Condition
from django_jobs.conf import config
from django_jobs.models import Queue
from django_jobs.registry import registry
from django_jobs.states import Status

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise


def conditions_of(specs: Iterable[Any]) -> tuple[Condition, ...]:
    """What the filters of a list ask."""
    return tuple(
        Condition(spec.parameter_name, "=", (spec.value(),)) for spec in specs if spec.value()
    )


def known_queues(rows: Iterable[str] | None = None) -> list[str]:
    """Queues named by code, settings or operators.

    Args:
        rows: names of those that operators have changed, if they were read already.
    """
    if rows is None:
        rows = Queue.objects.values_list("name", flat=True)
    return sorted({*registry.queues(), *config.QUEUES, *rows})


def seen_names(request: HttpRequest) -> list[str]:
    """The registered jobs that the user sees."""
    return [name for name in registry.names() if sight.sees(request, name)]


def unseen(request: HttpRequest, queues: Iterable[str]) -> tuple[Condition, ...]:
    """What leaves out the jobs that the site's own rules hide from the user.

    Of names and queues that the site knows; what else there is, :mod:`sight` leaves out of pages.

    Args:
        request: of the user.
        queues: the known ones.
    """
    hidden = {
        "job": tuple(name for name in registry.names() if not sight.sees(request, name)),
        "queue": tuple(name for name in queues if not sight.sees(request, queue=name)),
    }
    return tuple(
        Condition(field, "=", names, negated=True) for field, names in hidden.items() if names
    )


class _ExactFilter(admin.SimpleListFilter):
    """One value of one column."""

    column: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """The jobs with the chosen value."""
        value = self.value()
        if not value:
            return None
        if "\0" in value:
            raise IncorrectLookupParameters(self.parameter_name)
        return queryset.filter(**{self.column: value})


class StatusFilter(_ExactFilter):
    """By status. The tabs above the list are what people see of it."""

    title = _("status")
    parameter_name = "status"
    column = "status"
    template = "admin/django_jobs/job/no_filter.html"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> Iterable[tuple[str, _StrOrPromise]]:
        """Every status, and all unfinished ones together."""
        return [(UNFINISHED, _("unfinished")), *Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """The jobs with the chosen status."""
        value = self.value()
        if value == UNFINISHED:
            return queryset
        if value and value not in Status.values:
            raise IncorrectLookupParameters(self.parameter_name)
        return super().queryset(request, queryset)


class QueueFilter(_ExactFilter):
    """By queue."""

    title = _("queue")
    parameter_name = "queue"
    column = "queue"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> Iterable[tuple[str, _StrOrPromise]]:
        """The queues this site knows."""
        return [(name, name) for name in known_queues() if sight.sees(request, queue=name)]


class JobNameFilter(_ExactFilter):
    """By job name."""

    title = _("job")
    parameter_name = "job"
    column = "job_name"

    def lookups(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> Iterable[tuple[str, _StrOrPromise]]:
        """The registered jobs."""
        return [(name, shown.dotted(name)) for name in seen_names(request)]
