"""“Jobs” on the page of any other object: those that were enqueued with it as their subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.db.models import Model
from django.utils.html import format_html

from django_jobs.admin.jobs import page as job_page
from django_jobs.admin.shared import job_links, shown, sight
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.admin.shared.bases import BaseAdmin
from django_jobs.models import Job
from django_jobs.models.subjects import subject_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

#: Jobs that the page shows, the latest.
JOBS_MAX: Final = 10


@dataclass
class SubjectJob:
    """A job as a row of the section."""

    job: Job
    url: str

    @property
    def link(self) -> SafeString:
        return format_html('<a href="{}">{}</a>', self.url, self.job.job_name)

    @property
    def status(self) -> SafeString:
        return job_page.status_badge(self.job)

    @property
    def progress(self) -> SafeString | str:
        return job_page.progress(self.job)

    @property
    def created(self) -> SafeString | str:
        return shown.moment(self.job.created_at, short=True)

    @property
    def took(self) -> str:
        return job_page.duration(self.job)


class SubjectJobsMixin(BaseAdmin[Model]):
    """For any ``ModelAdmin``: its change page lists the latest jobs about the object.

    ::

        @admin.register(Order)
        class OrderAdmin(SubjectJobsMixin, admin.ModelAdmin): ...

    Jobs are about an object when they were enqueued so: ``ship.using(subject=order).later()``.
    Users see the section if they may view jobs. A page with a ``change_form_template`` of its own
    includes ``admin/django_jobs/subject_jobs.html`` where it wants the section.
    """

    change_form_template = "admin/django_jobs/subject_change_form.html"

    class Media:
        css: ClassVar = {"all": ["django_jobs/admin.css", "django_jobs/cards.css"]}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the jobs to the page."""
        obj = kwargs.get("obj")
        if obj is not None and request.user.has_perm("django_jobs.view_job"):
            context |= _jobs_context(request, obj, Addresses.beside(self.admin_site.name))
        return super().render_change_form(request, context, *args, **kwargs)


def _jobs_context(request: HttpRequest, obj: Model, addresses: Addresses) -> dict[str, Any]:
    latest = Job.objects.about(obj).order_by("-pk").defer("params", "result", "error", "tags")
    found = list(latest[: JOBS_MAX + 1])
    jobs = sight.seen(request, found[:JOBS_MAX])
    return {
        "jobs_of_subject": [SubjectJob(job, addresses.job(job.pk)) for job in jobs],
        "jobs_of_subject_more": len(found) > JOBS_MAX,
        "jobs_of_subject_url": addresses.jobs(q=job_links.exactly("subject", subject_of(obj))),
    }
