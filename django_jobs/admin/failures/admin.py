"""Failures by kind: the list and the page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.db.models import Count
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_jobs import permissions
from django_jobs.admin.failures import page as failure_page
from django_jobs.admin.failures.actions import FailureActionsAdmin
from django_jobs.admin.failures.filters import ALL, OPEN, PeriodFilter, StateFilter
from django_jobs.admin.failures.page import DAY, WEEK
from django_jobs.admin.fragments import fragment
from django_jobs.admin.shared import payload, shown, sight
from django_jobs.admin.shared.bases import PlainChangeList
from django_jobs.admin.shared.beside import Beside
from django_jobs.models import OPEN_FAILURES, FailureGroup
from django_jobs.stats import failed_jobs_by_age

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.utils.safestring import SafeString

_CURVE: Final = Beside["SafeString"]("curve")
#: Age → how many of its jobs failed within it and wait for an operator.
_FAILED: Final = Beside[dict[str, int]]("failed")
#: As searches have them; the last is: however long ago.
_AGES: Final = {"1h": timedelta(hours=1), "24h": DAY, "7d": WEEK, "": None}


class FailureChangeList(PlainChangeList):
    """The groups with their curves and jobs: two more questions for the whole page."""

    def get_results(self, request: HttpRequest) -> None:
        """Add to the groups of this page what other tables know of them."""
        super().get_results(request)
        groups = list(self.result_list)
        keys = [group.pk for group in groups]
        period = next(spec for spec in self.filter_specs if isinstance(spec, PeriodFilter))
        curves = failure_page.curves(keys, period.length)
        failed = failed_jobs_by_age(keys, list(_AGES.values()))
        for group in groups:
            _CURVE.put(group, curves[group.pk])
            counts = failed.get(group.pk, [0] * len(_AGES))
            _FAILED.put(group, dict(zip(_AGES, counts, strict=True)))
        self.result_list = groups

    @property
    def tabs(self) -> Iterator[dict[str, Any]]:
        """The states, each with the number of its groups: that table is small."""
        rows = self.root_queryset.order_by().values_list("state").annotate(n=Count("pk"))
        counts: dict[str, int] = dict(rows)
        counts[ALL] = sum(counts.values())
        counts[OPEN] = sum(counts.get(state, 0) for state in OPEN_FAILURES)
        spec = next(spec for spec in self.filter_specs if isinstance(spec, StateFilter))
        for choice in spec.choices(self):
            yield {**choice, "count": counts.get(choice["value"], 0)}

    @property
    def periods(self) -> Iterator[Any]:
        """How long the curves are."""
        spec = next(spec for spec in self.filter_specs if isinstance(spec, PeriodFilter))
        yield from spec.choices(self)


@admin.register(FailureGroup)
class FailureGroupAdmin(FailureActionsAdmin):
    """What can be seen of them; :class:`FailureActionsAdmin` is what can be done."""

    change_list = FailureChangeList
    change_list_template = "admin/django_jobs/failuregroup/change_list.html"
    change_form_template = "admin/django_jobs/failuregroup/change_form.html"
    list_display = (
        "state_shown",
        "failure",
        "curve_shown",
        "failed_in_hour",
        "failed_in_day",
        "failed_in_week",
        "failed_shown",
        "times_seen",
        "last_seen",
        "first_seen",
    )
    list_display_links = None
    list_filter = (StateFilter, PeriodFilter)
    list_per_page = 50
    ordering = ("-last_seen_at", "pk")
    sortable_by = ("times_seen", "last_seen", "first_seen")
    search_fields = ("fingerprint", "job_name", "exception_type", "frame")
    search_help_text = _("A part of the job's name, the exception, or the function")
    show_full_result_count = False
    actions = None
    fieldsets = ((None, {"fields": ()}),)

    class Media:
        css: ClassVar = {"all": ["django_jobs/failures.css", "django_jobs/live.css"]}
        js: ClassVar = ["django_jobs/live.js", "django_jobs/copy.js"]

    def has_view_permission(self, request: HttpRequest, obj: FailureGroup | None = None) -> bool:
        """Whoever may see the jobs."""
        job_name = None if obj is None else obj.job_name
        return permissions.may(request.user, "view_job", job_name=job_name)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FailureGroup]:
        """Without the jobs that the site's own rules hide from the user."""
        groups = super().get_queryset(request)
        if not permissions.has_own_rules():
            return groups
        names = groups.order_by().values_list("job_name", flat=True).distinct()
        return groups.filter(job_name__in=[name for name in names if sight.sees(request, name)])

    # The list

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """The messages too, for whoever may read them."""
        return (*self.search_fields, "message") if payload.may_see(request) else self.search_fields

    def get_list_display(self, request: HttpRequest) -> Any:
        """With the messages for whoever may read them."""
        first, _failure, *rest = self.list_display
        return (first, "failure_and_message" if payload.may_see(request) else "failure", *rest)

    @admin.display(description=_("state"))
    def state_shown(self, group: FailureGroup) -> SafeString:
        return failure_page.state_badge(group)

    @admin.display(description=_("failure"))
    def failure(self, group: FailureGroup) -> SafeString:
        return self._described(group, "")

    @admin.display(description=_("failure"))
    def failure_and_message(self, group: FailureGroup) -> SafeString:
        return self._described(group, group.message)

    def _described(self, group: FailureGroup, message: str) -> SafeString:
        said = message or group.exception_type
        where = format_html("<code>{}</code>", group.frame) if group.frame else ""
        return format_html(
            '<span class="jobs-failure"><a href="{}">{}</a>'
            '<bdi class="jobs-error">{}</bdi><span class="jobs-quiet">{}</span></span>',
            self.page_url(group, "change"),
            shown.dotted(group.job_name),
            said,
            where,
        )

    @admin.display(description=_("seen"))
    def curve_shown(self, group: FailureGroup) -> SafeString:
        return _CURVE.of(group)

    # The jobs that wait for somebody, by when they failed

    @admin.display(description=_("failed in 1 h"))
    def failed_in_hour(self, group: FailureGroup) -> SafeString | str:
        return _failed(group, "1h")

    @admin.display(description=_("in 24 h"))
    def failed_in_day(self, group: FailureGroup) -> SafeString | str:
        return _failed(group, "24h")

    @admin.display(description=_("in 7 days"))
    def failed_in_week(self, group: FailureGroup) -> SafeString | str:
        return _failed(group, "7d")

    @admin.display(description=_("all failed jobs"))
    def failed_shown(self, group: FailureGroup) -> SafeString | str:
        return _failed(group, "")

    @admin.display(description=_("times seen"), ordering="count")
    def times_seen(self, group: FailureGroup) -> str:
        return shown.number(group.count)

    @admin.display(description=_("last seen"), ordering="last_seen_at")
    def last_seen(self, group: FailureGroup) -> SafeString | str:
        return shown.moment_and_age(group.last_seen_at, short=True)

    @admin.display(description=_("first seen"), ordering="first_seen_at")
    def first_seen(self, group: FailureGroup) -> SafeString | str:
        return shown.moment_and_age(group.first_seen_at, short=True)

    # The page

    def buttons_context(self, request: HttpRequest, obj: FailureGroup) -> dict[str, Any]:
        """Everything on the page: it has no fields."""
        with_payload = payload.may_see(request)
        context = self.forms_context(request, obj)
        context |= failure_page.page_context(obj, request, with_payload)
        return context | {
            "jobs_live_url": self.page_url(obj, "live"),
            "jobs_needed": "" if with_payload else payload.needed(),
        }

    def get_urls(self) -> list[URLPattern]:
        """The live part of the page has an address of its own."""
        view = self.admin_site.admin_view(self.live_view)
        live = path("<path:object_id>/live/", view, name="django_jobs_failuregroup_live")
        return [live, *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """How far the retry of the group has come."""
        context = failure_page.retry_context(self.seen_object(request, object_id))
        return fragment(request, "admin/django_jobs/failuregroup/retry.html", context)


def _failed(group: FailureGroup, age: str) -> SafeString | str:
    return failure_page.count_of_failed(group, _FAILED.of(group)[age], age)
