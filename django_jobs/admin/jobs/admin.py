"""Jobs: the list and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from django_jobs.admin import overview
from django_jobs.admin.catalogue import facts as catalogue_facts
from django_jobs.admin.catalogue.pages import CataloguePages
from django_jobs.admin.fragments import fragment
from django_jobs.admin.jobs import page as job_page
from django_jobs.admin.jobs.listing.admin import JobListAdmin
from django_jobs.admin.jobs.resubmit import ResubmitPages
from django_jobs.admin.jobs.surroundings import with_surroundings
from django_jobs.admin.shared import job_links, payload, shown
from django_jobs.models import Job
from django_jobs.registry import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase
    from django.utils.safestring import SafeString

    from django_jobs.admin.shared.buttons import PageLink


@admin.register(Job)
class JobAdmin(JobListAdmin):
    """The page of a job; :class:`JobListAdmin` is the list."""

    change_form_template = "admin/django_jobs/job/change_form.html"
    fieldsets = (
        (_("Data"), {"fields": ("params_shown", "result_shown")}),
        (
            _("Job"),
            {
                "fields": (
                    "id_shown",
                    "job_described",
                    "priority",
                    "tags_shown",
                    "correlation_link",
                    "unique_key",
                )
            },
        ),
        (
            _("Times"),
            {
                "fields": (
                    ("created", "scheduled_at"),
                    ("started", "ended"),
                    "expires",
                    "timeout",
                    "worker_process",
                )
            },
        ),
    )
    #: Fields of the page → the columns without which they would say nothing.
    _may_be_empty: ClassVar = {
        "result_shown": "result",
        "tags_shown": "tags",
        "correlation_link": "correlation_id",
        "unique_key": "unique_key",
        "expires": "expires_at",
        "timeout": "timeout",
        "worker_process": "worker_process",
    }

    class Media:
        css: ClassVar = {"all": ["django_jobs/live.css"]}
        js: ClassVar = ["django_jobs/live.js", "django_jobs/copy.js"]

    @admin.display(description=_("scheduled for"))
    def scheduled_at(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.scheduled_for)

    @admin.display(description=_("created"))
    def created(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.created_at)

    # The page

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        """The rows; that of a page with its surroundings, which would be queries of their own."""
        jobs: Any = super().get_queryset(request)
        match = request.resolver_match
        is_one = match is not None and "object_id" in match.kwargs
        found: QuerySet[Job] = with_surroundings(jobs.observed()) if is_one else jobs
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Job | None = None) -> Any:
        """Without the rows that would hold a dash, or what the user may not see."""
        empty = {
            name
            for name, column in self._may_be_empty.items()
            if obj is not None and getattr(obj, column) in (None, "", [], {})
        }
        data, *rest = [
            (title, {"fields": [name for name in options["fields"] if name not in empty]})
            for title, options in self.fieldsets
        ]
        if not payload.may_see(request):
            data = (data[0], {"fields": ["payload_needed"]})
        return [data, *rest]

    @admin.display(description=_("id"))
    def id_shown(self, job: Job) -> SafeString:
        return shown.copyable_line(str(job.pk))

    @admin.display(description=_("job"))
    def job_described(self, job: Job) -> SafeString:
        definition = registry.find(job.job_name)
        return format_html(
            '<a href="{}">{}</a> <span class="jobs-quiet">{}</span>',
            job_links.jobs_url(job=job.job_name),
            job.job_name,
            catalogue_facts.gist(definition) if definition else "",
        )

    @admin.display(description=_("tags"))
    def tags_shown(self, job: Job) -> SafeString | str:
        links = ((job_links.jobs_with("tag", str(tag)), tag) for tag in job.tags or ())
        return format_html_join(" ", '<a class="jobs-tag" href="{}">{}</a>', links) or shown.NOTHING

    @admin.display(description=_("correlation id"))
    def correlation_link(self, job: Job) -> SafeString | str:
        if not job.correlation_id:
            return shown.NOTHING
        url = job_links.jobs_with("correlation", job.correlation_id)
        return format_html('<a href="{}">{}</a>', url, job.correlation_id)

    @admin.display(description=_("parameters"))
    def params_shown(self, job: Job) -> SafeString | str:
        return payload.params(job)

    @admin.display(description=_("result"))
    def result_shown(self, job: Job) -> SafeString | str:
        return payload.result(job)

    @admin.display(description=_("parameters and result"))
    def payload_needed(self, job: Job) -> str:
        return payload.needed()

    @admin.display(description=_("expires"))
    def expires(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.expires_at)

    @admin.display(description=_("latest start"))
    def started(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.worker_started_at)

    @admin.display(description=_("ended"))
    def ended(self, job: Job) -> SafeString | str:
        return shown.moment_and_age(job.completed_at)

    def page_links(self, request: HttpRequest, obj: Job) -> Sequence[PageLink]:
        """Edit and retry, run again."""
        return ResubmitPages(self).links(request, obj)

    def buttons_context(self, request: HttpRequest, obj: Job) -> dict[str, Any]:
        """Everything above and below the columns of the page."""
        page = job_page.page_context(obj, request, self.admin_site)
        return {
            **super().buttons_context(request, obj),
            **page,
            "jobs_live_url": self.page_url(obj, "live"),
            "jobs_needed": "" if payload.may_see(request) else payload.needed(),
        }

    def get_urls(self) -> list[URLPattern]:
        """The live parts of the page and of the overview have addresses of their own."""
        protected = self.admin_site.admin_view
        return [
            path("overview/live/", protected(overview.live_view), name="django_jobs_overview_live"),
            path("overview/lamp/", protected(overview.lamp_view), name="django_jobs_overview_lamp"),
            *CataloguePages(self).urls(),
            *ResubmitPages(self).urls(),
            path("<path:object_id>/live/", protected(self.live_view), name="django_jobs_job_live"),
            *super().get_urls(),
        ]

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The parts of the page that change while the job runs."""
        context = self.buttons_context(request, self.seen_object(request, object_id))
        return fragment(request, "admin/django_jobs/job/live.html", context)
