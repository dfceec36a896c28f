"""The catalogue: every registered job, what it is for, how it does, and a form to enqueue it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from django_jobs.admin.catalogue import facts as catalogue_facts
from django_jobs.admin.catalogue import options as catalogue_options
from django_jobs.admin.forms.submission import PERMISSION, Submission
from django_jobs.admin.shared import job_links, sight
from django_jobs.conf import config
from django_jobs.exceptions import InvalidJob
from django_jobs.names import INTERNAL
from django_jobs.permissions import may
from django_jobs.registry import registry

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_jobs.definitions import JobDefinition
    from django_jobs.models import Job

#: Characters of a search.
_TERM_MAX = 200
#: Jobs that the list shows.
SHOWN_MAX = 300


class CataloguePages:
    """The pages below ``catalogue/``, beside the list of jobs."""

    def __init__(self, model_admin: ModelAdmin[Job]) -> None:
        self.model_admin = model_admin
        self.site = model_admin.admin_site

    def urls(self) -> list[URLPattern]:
        """To come before all addresses that take any text for an id."""
        view = self.site.admin_view
        job_view = require_http_methods(["GET", "HEAD", "POST"])(self.job_view)
        return [
            path("catalogue/", view(self.list_view), name="django_jobs_catalogue"),
            path("catalogue/<str:job_name>/", view(job_view), name="django_jobs_catalogue_job"),
        ]

    def list_view(self, request: HttpRequest) -> HttpResponseBase:
        """All jobs, or those that are searched for."""
        self._check_may_view(request)
        term = request.GET.get("q", "")[:_TERM_MAX]
        found = catalogue_facts.found_by(request, term)
        context = {
            **self._context(request, _("Job catalogue")),
            "jobs_entries": catalogue_facts.entries(found[:SHOWN_MAX]),
            "jobs_found": len(found),
            "jobs_shown_max": SHOWN_MAX,
            "jobs_term": term,
            "jobs_total": len(catalogue_facts.listed(request)),
            "jobs_has_statistics": config.ROLLUPS,
        }
        return TemplateResponse(request, "admin/django_jobs/catalogue/list.html", context)

    def job_view(self, request: HttpRequest, job_name: str) -> HttpResponseBase:
        """One job; a POST enqueues it."""
        self._check_may_view(request)
        definition = registry.find(job_name)
        if definition is None or definition.name != job_name or job_name in INTERNAL:
            raise Http404
        if not sight.sees_kind(request, definition.name, definition.queue):
            raise PermissionDenied
        submission = self._submission(request, definition)
        if request.method == "POST":
            if submission is None:
                raise PermissionDenied
            done = submission.send(_("Enqueued from the catalogue"))
            if done is not None:
                return submission.to_new_job(done)
        context = {
            **self._context(request, definition.name),
            **self._facts(definition),
            **(submission.context() if submission else {}),
            "jobs_action": request.path,
        }
        return TemplateResponse(request, "admin/django_jobs/catalogue/job.html", context)

    def _submission(
        self, request: HttpRequest, definition: JobDefinition[Any, Any]
    ) -> Submission | None:
        """The form, for those who may enqueue this job."""
        name, queue = definition.name, definition.queue
        if not may(request.user, PERMISSION, job_name=name, queue=queue):
            return None
        try:
            return Submission(request, self.site, definition, f"catalogue:{name}")
        except InvalidJob:
            return None  # the page says what is wrong

    def _facts(self, definition: JobDefinition[Any, Any]) -> dict[str, Any]:
        schedules = catalogue_facts.schedules(definition)
        scheduled = {definition.name} if schedules else ()
        facts: dict[str, Any] = {
            "jobs_description": definition.description,
            "jobs_location": definition.location,
            "jobs_aliases": ", ".join(definition.aliases),
            "jobs_options": catalogue_options.options(definition),
            "jobs_schedules": schedules,
            "jobs_flags": catalogue_facts.flags(definition, scheduled),
            "jobs_list_url": job_links.jobs_url(job=definition.name),
            "jobs_has_statistics": config.ROLLUPS,
            **catalogue_facts.statistics(definition.name),
        }
        try:
            facts["jobs_signature"] = catalogue_facts.signature(definition)
            facts["jobs_parameters"] = catalogue_facts.parameters(definition)
        except InvalidJob as error:
            facts["jobs_problem"] = str(error)
        return facts

    def _context(self, request: HttpRequest, title: str) -> dict[str, Any]:
        return {
            **self.site.each_context(request),
            "title": title,
            "opts": self.model_admin.opts,
            "media": self.model_admin.media,
        }

    def _check_may_view(self, request: HttpRequest) -> None:
        if not self.model_admin.has_view_permission(request):
            raise PermissionDenied
