"""A job with other arguments: edited and retried in place, or run again as a new job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from django_jobs import operations
from django_jobs.admin.catalogue import facts as catalogue_facts
from django_jobs.admin.forms import JobForm, ReasonForm
from django_jobs.admin.forms.pickers import Pickers
from django_jobs.admin.forms.submission import Submission, as_fieldset
from django_jobs.admin.jobs import lineage as job_lineage
from django_jobs.admin.jobs import page as job_page
from django_jobs.admin.shared import history
from django_jobs.admin.shared.bases import user_name
from django_jobs.admin.shared.buttons import ButtonsAdmin, PageLink
from django_jobs.auditing import through
from django_jobs.codec import active_codec
from django_jobs.exceptions import InvalidTransition, JobsError
from django_jobs.models import AuditSource, Job
from django_jobs.names import INTERNAL
from django_jobs.permissions import may
from django_jobs.registry import registry
from django_jobs.states import RETRYABLE
from django_jobs.submitting import version_of

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from django_jobs.definitions import JobDefinition

#: Both pages show the arguments.
PAYLOAD = "view_job_payload"
EDIT = "retry_job"
RERUN = "enqueue_job"
#: The hidden input that holds the version of the job that was shown.
SEEN = "jobs_seen"


class Unusable(Exception):
    """There is nothing to edit; the message tells why."""


class ResubmitPages:
    """The pages ``edit/`` and ``rerun/`` of a job."""

    def __init__(self, model_admin: ButtonsAdmin[Job]) -> None:
        self.model_admin = model_admin
        self.site = model_admin.admin_site

    def urls(self) -> list[URLPattern]:
        """To come before Django's own, which take any text for an id."""
        pages = {"edit": self.edit_view, "rerun": self.rerun_view}
        allow = require_http_methods(["GET", "HEAD", "POST"])
        return [
            path(
                f"<path:object_id>/{name}/",
                self.site.admin_view(allow(view)),
                name=f"django_jobs_job_{name}",
            )
            for name, view in pages.items()
        ]

    def links(self, request: HttpRequest, job: Job) -> list[PageLink]:
        """The pages that a user may open for the job as it is now."""
        if not registry.has(job.job_name):
            return []
        links = []
        if job.status in RETRYABLE and self._may(request, EDIT, job):
            url = self.model_admin.page_url(job, "edit")
            links.append(PageLink("edit", _("Edit and retry…"), url))
        if self._may(request, RERUN, job):
            url = self.model_admin.page_url(job, "rerun")
            links.append(PageLink("rerun", _("Run again…"), url))
        return links

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Change the arguments of an ended job and start it afresh."""
        job = self._job(request, object_id, EDIT)
        try:
            if job.status not in RETRYABLE:
                raise Unusable(
                    _("The job cannot be retried now: it is %(status)s.")
                    % {"status": job.get_status_display()}
                )
            definition, stored = _definition(job), _stored(job)
            data = request.POST if request.method == "POST" else None
            pickers = Pickers(self.site, request)
            form = JobForm(definition, data, stored=stored, pickers=pickers)
            if data is not None and data.get(SEEN) != version_of(job):
                raise Unusable(_("The job changed since you opened the page. Look at it again."))
        except (Unusable, JobsError) as error:
            return self._back(request, job, error)
        reason = ReasonForm(data)
        if data is not None and all([form.is_valid(), reason.is_valid()]):
            try:
                return self._retry(request, job, form, reason)
            except InvalidTransition as error:
                return self._back(request, job, error)
            except JobsError as error:
                form.add_error(None, str(error))
        context = {
            **self._context(request, job, _("Edit and retry %(job)s")),
            "jobs_forms": [
                as_fieldset(form, _("Parameters")),
                as_fieldset(reason, _("Why")),
            ],
            "jobs_has_errors": bool(form.errors or reason.errors),
            "jobs_form_media": form.media,
            "jobs_left_out": ", ".join(form.left_out),
            "jobs_seen": version_of(job),
            "jobs_seen_field": SEEN,
        }
        return TemplateResponse(request, "admin/django_jobs/job/edit.html", context)

    def rerun_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Enqueue a new job like this one, with the same or other arguments."""
        job = self._job(request, object_id, RERUN)
        try:
            definition = _like(job, _definition(job))
            about = f"rerun:{job.pk}"
            submission = Submission(request, self.site, definition, about, stored=_stored(job))
        except (Unusable, JobsError) as error:
            return self._back(request, job, error)
        if request.method == "POST":
            note = _("Enqueued to run job %(id)s again") % {"id": job.pk}
            done = submission.send(note, {"rerun_of": str(job.pk)})
            if done is not None:
                return submission.to_new_job(done)
        context = {
            **self._context(request, job, _("Run %(job)s again")),
            **submission.context(),
        }
        return TemplateResponse(request, "admin/django_jobs/job/rerun.html", context)

    def _retry(
        self, request: HttpRequest, job: Job, form: JobForm, reason: ReasonForm
    ) -> HttpResponseBase:
        with through(AuditSource.ADMIN):
            operations.edit_and_retry(
                job, form.params, by=user_name(request), reason=reason.reason_given
            )
        changes = ", ".join(form.changes)
        if changes:
            text = _("Retried with other parameters: %(names)s.") % {"names": changes}
        else:
            text = _("Retried with the same parameters.")
        history.remember(request, [job], text)
        messages.success(request, text)
        return HttpResponseRedirect(self.model_admin.page_url(job, "change"))

    def _job(self, request: HttpRequest, object_id: str, permission: str) -> Job:
        if not (may(request.user, permission) and may(request.user, PAYLOAD)):
            raise PermissionDenied
        job = self.model_admin.seen_object(request, object_id)
        if not self._may(request, permission, job):
            raise PermissionDenied
        return job

    def _may(self, request: HttpRequest, permission: str, job: Job) -> bool:
        about = {"job_name": job.job_name, "queue": job.queue}
        if job.job_name in INTERNAL:
            return False  # they carry what somebody else was allowed to do
        return may(request.user, permission, **about) and may(request.user, PAYLOAD, **about)

    def _back(self, request: HttpRequest, job: Job, problem: Exception) -> HttpResponseBase:
        said = str(problem).rstrip(".")
        messages.error(request, _("%(problem)s. Nothing was changed.") % {"problem": said})
        return HttpResponseRedirect(self.model_admin.page_url(job, "change"))

    def _context(self, request: HttpRequest, job: Job, title: str) -> dict[str, Any]:
        definition = registry.get(job.job_name)
        return {
            **self.site.each_context(request),
            "title": title % {"job": job.job_name},
            "opts": self.model_admin.opts,
            "media": self.model_admin.media,
            "job": job,
            "jobs_status": job_page.status_badge(job),
            "jobs_job_url": self.model_admin.page_url(job, "change"),
            "jobs_about": catalogue_facts.gist(definition),
            "jobs_about_url": catalogue_facts.job_url(definition.name),
        }


def _definition(job: Job) -> JobDefinition[Any, Any]:
    definition = registry.find(job.job_name)
    if definition is None:
        raise Unusable(_("No job of this name is registered here."))
    return definition


def _stored(job: Job) -> dict[str, Any]:
    """The arguments as plain JSON."""
    try:
        stored = active_codec().decode(job.params)
    except Exception:  # noqa: BLE001 - whatever a codec of the site raises
        stored = None
    if not isinstance(stored, dict):
        raise Unusable(_("The stored parameters cannot be read here."))
    return stored


def _like(job: Job, definition: JobDefinition[Any, Any]) -> JobDefinition[Any, Any]:
    """The definition with what this job had of its own; related jobs are found by their id."""
    tags = [tag for tag in job.tags or () if tag != job_lineage.CRON_TAG]
    related = definition.using(correlation_id=job.correlation_id or str(job.pk))
    try:
        return related.using(queue=job.queue, priority=job.priority, tags=tags)
    except JobsError:  # the queue is none of this site's any more, say
        return related
