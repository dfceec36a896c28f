"""The half of the job admin that is the list: columns, and the views beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.jobs import page as job_page
from django_jobs.admin.jobs.actions import JobActionsAdmin
from django_jobs.admin.jobs.listing import columns, saved_filters
from django_jobs.admin.jobs.listing.change_list import LARGE, JobChangeList
from django_jobs.admin.jobs.listing.export import FORMATS, export
from django_jobs.admin.jobs.listing.filters import JobNameFilter, QueueFilter, StatusFilter
from django_jobs.admin.jobs.listing.help import HELP, suggestions
from django_jobs.admin.jobs.listing.reach import DATE_FIELD
from django_jobs.admin.jobs.listing.tabs import tabs_of
from django_jobs.admin.shared import payload, shown, sight
from django_jobs.admin.shared.addresses import address
from django_jobs.admin.shared.bases import user_name
from django_jobs.models import Job
from django_jobs.states import TERMINAL

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.utils.safestring import SafeString

#: Rows that move without a reload.
LIVE_MAX: Final = 100


class JobListAdmin(JobActionsAdmin):
    """What the list of jobs shows."""

    change_list = JobChangeList
    change_list_template = "admin/django_jobs/job/change_list.html"
    list_display = (
        "status_badge",
        "job_and_error",
        "queue",
        "progress_bar",
        "attempts",
        "created_shortly",
        "took",
        "scheduled_shortly",
        "priority",
    )
    list_display_links = None
    list_filter = (StatusFilter, QueueFilter, JobNameFilter)
    date_hierarchy = DATE_FIELD
    allowed_lookups = tuple(f"{DATE_FIELD}__{part}" for part in ("year", "month", "day"))
    search_fields = ("id",)
    sortable_by = ()
    ordering = ("-pk",)
    list_per_page = 50
    show_full_result_count = False

    def get_list_display(self, request: HttpRequest) -> Any:
        """The chosen ones; of jobs that ended people ask when they did, not when they were due."""
        have_ended = request.GET.get("status") in TERMINAL
        due = "ended_shortly" if have_ended else "scheduled_shortly"
        return [
            due if name == "scheduled_shortly" else name
            for name in columns.chosen(request, self.list_display)
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Job], search_term: str
    ) -> tuple[QuerySet[Job], bool]:
        """Nothing: :class:`JobChangeList` asks for what was typed, with all the rest.

        Object pickers ask here too. They would count the table, and name jobs that are hidden.
        """
        return queryset.none(), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, and the answers to its forms."""
        answer = super().changelist_view(request, extra_context)
        context = getattr(answer, "context_data", None) or {}
        changes = context.get("cl")
        if isinstance(changes, JobChangeList):
            context |= self._around(request, changes)
        return answer

    def _around(self, request: HttpRequest, changes: JobChangeList) -> dict[str, Any]:
        """What stands around the rows."""
        moving = [job.pk.hex for job in changes.result_list if not job.is_finished]
        urls = {
            f"jobs_{name}_url": f"{address(f'django_jobs_job_{name}')}{changes.newest_link}"
            for name in ("export", "save_filter", "remove_filter", "columns")
        }
        return {
            **urls,
            "title": capfirst(self.opts.verbose_name_plural),
            "jobs_tabs": tabs_of(request, changes),
            "jobs_help": HELP,
            "jobs_suggestions": suggestions(request, changes),
            "jobs_export_formats": FORMATS,
            "jobs_columns": columns.choices(request, self),
            "jobs_saved": saved_filters.shown_to(
                user_name(request), changes.newest_link, payload.may_see(request)
            ),
            "jobs_live_url": (
                f"{address('django_jobs_job_rows')}?ids={','.join(moving[:LIVE_MAX])}"
                if moving
                else ""
            ),
        }

    def get_urls(self) -> list[URLPattern]:
        """The views beside the list come first: Django's own last pattern takes all."""
        wrap = self.admin_site.admin_view
        return [
            path("rows/", wrap(self.rows_view), name="django_jobs_job_rows"),
            path("columns/", wrap(self.columns_view), name="django_jobs_job_columns"),
            path("export/", wrap(self.export_view), name="django_jobs_job_export"),
            path("save-filter/", wrap(self.save_filter_view), name="django_jobs_job_save_filter"),
            path(
                "remove-filter/",
                wrap(self.remove_filter_view),
                name="django_jobs_job_remove_filter",
            ),
            *super().get_urls(),
        ]

    # The columns

    def action_checkbox(self, obj: Job) -> SafeString:
        """As Django's, whose widget and its template take a fourth of the time of the page."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            _("Select %(job)s") % {"job": obj},
        )

    @admin.display(description=_("status"))
    def status_badge(self, job: Job) -> SafeString:
        return _moving("status", job, job_page.status_badge(job))

    @admin.display(description=_("job"))
    def job_and_error(self, job: Job) -> SafeString:
        line = shown.error_line(getattr(job, "error_tail", ""))
        error = format_html('<bdi class="jobs-error" title="{0}">{0}</bdi>', line) if line else ""
        link = format_html(
            '<a href="{}">{}</a>', self.page_url(job, "change"), shown.dotted(job.job_name)
        )
        return format_html('<span class="jobs-job">{}{}</span>', link, error)

    @admin.display(description=_("progress"))
    def progress_bar(self, job: Job) -> SafeString:
        return _moving("progress", job, job_page.progress(job))

    @admin.display(description=_("attempts"))
    def attempts(self, job: Job) -> SafeString | str:
        return job_page.attempts(job)

    @admin.display(description=_("duration"))
    def took(self, job: Job) -> SafeString:
        return _moving("took", job, job_page.duration(job))

    @admin.display(description=_("created"))
    def created_shortly(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.created_at, short=True)

    @admin.display(description=_("scheduled for"))
    def scheduled_shortly(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.scheduled_for, short=True)

    @admin.display(description=_("ended"))
    def ended_shortly(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.completed_at, short=True)

    # The views

    def rows_view(self, request: HttpRequest) -> HttpResponseBase:
        """The cells that move, of the jobs that are asked for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = request.GET.get("ids", "").split(",")[:LIVE_MAX]
        ids = [UUID(one) for one in asked if len(one) == 32 and _is_hex(one)]
        jobs = self.get_queryset(request).filter(pk__in=ids).defer(*LARGE)
        cells = [
            (cell(job),)
            for job in sight.seen(request, jobs)
            for cell in (self.status_badge, self.progress_bar, self.took)
        ]
        answer = HttpResponse(format_html_join("\n", "{}", cells))
        answer["Cache-Control"] = "no-store"
        return answer

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """All that the list finds, as a file."""
        changes = self._list_behind(request)
        if isinstance(changes, JobChangeList):
            return export(request, changes)
        return changes

    def columns_view(self, request: HttpRequest) -> HttpResponseBase:
        """Choose the columns of the list."""
        changes = self._list_behind(request)
        if isinstance(changes, JobChangeList):
            answer = self._back_to_list(changes.newest_link)
            columns.keep(request, answer, self.list_display)
            return answer
        return changes

    def save_filter_view(self, request: HttpRequest) -> HttpResponseBase:
        """Keep what the list asks under a name."""
        changes = self._list_behind(request)
        if isinstance(changes, JobChangeList):
            if changes.asked.errors:
                self.message_user(request, " ".join(changes.asked.errors), messages.ERROR)
            else:
                saved_filters.save(request, changes.newest_link.removeprefix("?"))
            return self._back_to_list(changes.newest_link)
        return changes

    def remove_filter_view(self, request: HttpRequest) -> HttpResponseBase:
        """Forget a name."""
        changes = self._list_behind(request)
        if isinstance(changes, JobChangeList):
            saved_filters.remove(request)
            return self._back_to_list(changes.newest_link)
        return changes

    def _list_behind(self, request: HttpRequest) -> JobChangeList | HttpResponseBase:
        """The list that a form was sent from, by the form's address; refuses all but POST."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changes = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return self._back_to_list("?e=1")
        assert isinstance(changes, JobChangeList)
        return changes

    def _back_to_list(self, query: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(f"{address('django_jobs_job_changelist')}{query}")


def _moving(cell: str, job: Job, content: SafeString | str) -> SafeString:
    """A cell that the page fetches again while the job runs."""
    return format_html('<span id="job-{}-{}" data-live>{}</span>', job.pk.hex, cell, content)


def _is_hex(text: str) -> bool:
    return all(character in "0123456789abcdef" for character in text)
