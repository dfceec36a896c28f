"""The audit: who did what to jobs, queues, workers and schedules, when and why."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared import shown
from django_jobs.admin.shared.addresses import address
from django_jobs.admin.shared.bases import PlainChangeList, ReadOnlyAdmin
from django_jobs.models import AuditAction, JobAudit

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

    BasePaginator = Paginator[JobAudit]
else:
    BasePaginator = Paginator

#: Entries that can be paged through; filters and dates reach the others.
LIST_MAX: Final = 10_000

_TIMES: Final = ("at__gte", "at__lt")
#: What the target of an action is.
_QUEUE: Final = {AuditAction.PAUSE, AuditAction.RESUME, AuditAction.LIMIT}
_CRON: Final = {AuditAction.CHANGE_CRON, AuditAction.RUN_CRON, AuditAction.BACKFILL}
_JOB: Final = {
    AuditAction.RETRY,
    AuditAction.RUN_NOW,
    AuditAction.CANCEL,
    AuditAction.DISCARD,
    AuditAction.ENQUEUE,
}
#: Of a kind of failure, whose jobs were retried or discarded together.
_FINGERPRINT: Final = re.compile("[0-9a-f]{16}")


class AuditPaginator(BasePaginator):
    """Counts no further than :data:`LIST_MAX`."""

    @cached_property
    def count(self) -> int:
        """The number of entries, or :data:`LIST_MAX` if there are more."""
        entries: Any = self.object_list
        return int(entries.values("pk")[:LIST_MAX].count())


class AuditChangeList(PlainChangeList):
    """The newest first; no other order has an index for every filter."""

    list_max = LIST_MAX

    def get_filters(self, request: HttpRequest) -> Any:
        """Refuse times too that no database keeps: they lie beyond the calendar in UTC."""
        for name in _TIMES:
            try:
                moment = parse_datetime(request.GET.get(name, ""))
                if moment is not None and timezone.is_aware(moment):
                    moment.astimezone(UTC)
            except (ValueError, OverflowError) as error:
                raise IncorrectLookupParameters(name) from error
        return super().get_filters(request)

    @property
    def is_capped(self) -> bool:
        """Whether there may be more entries than can be paged through."""
        return self.result_count >= LIST_MAX

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """By time, and by birth where the clock cannot tell."""
        return ["-at", "-pk"]


class ActorFilter(admin.SimpleListFilter):
    """By who did it; the choices are who did something lately."""

    title = _("who")
    parameter_name = "actor"

    #: Entries that are looked at for choices.
    looks_at: ClassVar = 500

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Those of the newest entries, and the chosen one."""
        newest = JobAudit.objects.order_by("-at").values_list("actor", flat=True)
        names = {name for name in newest[: self.looks_at] if name}
        if chosen := request.GET.get(self.parameter_name):
            names.add(chosen)
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """The chosen one's entries."""
        value = self.value()
        return queryset.filter(actor=value.replace("\0", "")) if value else None


class WhenFilter(admin.SimpleListFilter):
    """By time; each choice is a range of the index."""

    title = _("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """From near to far."""
        return [
            ("0", _("today")),
            ("1", _("since yesterday")),
            ("7", _("last 7 days")),
            ("30", _("last 30 days")),
            ("365", _("last 365 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        """The entries since the beginning of a day."""
        value = self.value()
        if value is None:
            return None
        if value not in dict(self.lookup_choices):
            raise IncorrectLookupParameters(self.parameter_name)
        now = timezone.localtime() if settings.USE_TZ else timezone.now()
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.filter(at__gte=today - timedelta(days=int(value)))


@admin.register(JobAudit)
class JobAuditAdmin(ReadOnlyAdmin[JobAudit]):
    """Read only, for everybody."""

    paginator = AuditPaginator
    show_full_result_count = False
    change_list = AuditChangeList
    change_list_template = "admin/django_jobs/jobaudit/change_list.html"
    list_display = ("when", "who_and_how", "action_shown", "target_shown", "jobs", "reason")
    list_display_links = ("when",)
    list_filter = (WhenFilter, "action", "source", ActorFilter)
    allowed_lookups = ("action__exact", "source__exact", "target", *_TIMES)
    search_fields = ("target", "actor")
    search_help_text = _("Who, or a queue, worker, schedule or job: the whole name.")
    sortable_by = ()
    fields = ("when", "who", "through", "action_shown", "target_shown", "jobs", "reason", "more")
    readonly_fields = fields

    class Media:
        css: ClassVar = {"all": ["django_jobs/queues.css"]}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[JobAudit], search_term: str
    ) -> tuple[QuerySet[JobAudit], bool]:
        """By the whole name: it has an index, and a part of it has none."""
        term = search_term.strip().replace("\0", "")
        if not term:
            return queryset, False
        return queryset.filter(target=term) | queryset.filter(actor=term), False

    # Columns

    @admin.display(description=_("when"))
    def when(self, entry: JobAudit) -> SafeString | str:
        return shown.moment(entry.at)

    @admin.display(description=_("who"))
    def who(self, entry: JobAudit) -> SafeString | str:
        if not entry.actor:
            return shown.NOTHING
        return format_html('<a href="{}"><bdi>{}</bdi></a>', _list(actor=entry.actor), entry.actor)

    @admin.display(description=_("who"))
    def who_and_how(self, entry: JobAudit) -> SafeString:
        how = _("through %(source)s") % {"source": entry.get_source_display()}
        return format_html('{} <span class="jobs-line jobs-quiet">{}</span>', self.who(entry), how)

    @admin.display(description=_("through"))
    def through(self, entry: JobAudit) -> str:
        return entry.get_source_display()

    @admin.display(description=_("action"))
    def action_shown(self, entry: JobAudit) -> SafeString:
        return shown.badge(f"audit-{entry.action}", entry.get_action_display())

    @admin.display(description=_("target"))
    def target_shown(self, entry: JobAudit) -> SafeString | str:
        if not entry.target:
            return shown.NOTHING
        url = _page_of(entry)
        if not url:
            return format_html("<bdi>{}</bdi>", entry.target)
        return format_html('<a href="{}"><bdi>{}</bdi></a>', url, entry.target)

    @admin.display(description=_("jobs"))
    def jobs(self, entry: JobAudit) -> str:
        return shown.number(entry.count) if entry.count else shown.NOTHING

    @admin.display(description=_("details"))
    def more(self, entry: JobAudit) -> SafeString | str:
        return shown.pretty_json(entry.details)


def _list(**query: str) -> str:
    return address("django_jobs_jobaudit_changelist", query=query)


def _page_of(entry: JobAudit) -> str:
    """The page of what it was done to; it may be gone by now."""
    if entry.action in _QUEUE:
        return address("django_jobs_queue_change", quote(entry.target))
    if entry.action == AuditAction.TELL_WORKER:
        return address("django_jobs_worker_change", quote(entry.target))
    if entry.action in _CRON:
        return address("django_jobs_cronjob_changelist", query={"q": entry.target})
    if _FINGERPRINT.fullmatch(entry.target):
        return address("django_jobs_failuregroup_change", quote(entry.target))
    if entry.action in _JOB and entry.count == 1:
        return address("django_jobs_job_change", quote(entry.target))
    return ""
