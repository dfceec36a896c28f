"""Enqueueing by hand: the two forms of it, and what happens when they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import AdminForm
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.utils.translation import gettext as _

from django_jobs.admin.forms import EnqueueForm, JobForm, once
from django_jobs.admin.forms.pickers import Pickers
from django_jobs.admin.shared import history, job_links
from django_jobs.admin.shared.bases import user_name
from django_jobs.auditing import through
from django_jobs.exceptions import JobsError
from django_jobs.models import AuditSource
from django_jobs.permissions import may
from django_jobs.submitting import Submitted, submit

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.forms import Form
    from django.http import HttpRequest

    from django_jobs.definitions import JobDefinition

PERMISSION = "enqueue_job"


class Submission:
    """A form for the arguments of a job and one for its options.

    Args:
        request: it sends them, or asks for them.
        site: the admin whose pages the object pickers open.
        definition: with the options that hold where nothing is typed.
        about: what a ticket of this page is good for.
        stored: arguments to begin with.
        fixed: arguments that come from elsewhere; the form has no fields for them.
        is_sent: whether the request sends them; as a rule, a POST does.
    """

    def __init__(
        self,
        request: HttpRequest,
        site: AdminSite,
        definition: JobDefinition[Any, Any],
        about: str,
        *,
        stored: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Any] | None = None,
        is_sent: bool | None = None,
    ) -> None:
        self.is_sent = request.method == "POST" if is_sent is None else is_sent
        data = request.POST if self.is_sent else None
        self.request = request
        self.definition = definition
        self.about = about
        self.arguments = JobForm(
            definition, data, stored=stored, fixed=fixed, pickers=Pickers(site, request)
        )
        self.options = EnqueueForm(definition, data)
        self._id = None if data is None else once.id_of(request, about)

    def send(
        self,
        note: str,
        details: Mapping[str, Any] | None = None,
        calls: Sequence[Mapping[str, Any]] | None = None,
    ) -> Submitted | None:
        """Enqueue the job and log it; ``None`` if the forms have errors now.

        Args:
            note: for the admin's log.
            details: for the audit.
            calls: one job for each, with these arguments beside those of the form; all have one
                correlation id, the id of the first.
        """
        if not self._is_ready():
            return None
        chosen = self.options.chosen()
        each: Sequence[Mapping[str, Any]] = [{}]
        if calls is not None:
            chosen, each = chosen.using(correlation_id=str(self._id)), calls
        try:
            with through(AuditSource.ADMIN):
                done = submit(
                    chosen,
                    [{**self.arguments.params, **call} for call in each],
                    by=user_name(self.request),
                    reason=self.options.reason_given,
                    first_id=self._id,
                    details=details,
                )
        except JobsError as error:
            self.arguments.add_error(None, str(error))
            return None
        if done.is_new:
            history.remember_jobs(self.request, done.ids, note)
        return done

    def to_new_job(self, done: Submitted) -> HttpResponseRedirect:
        """Go to the job and tell where it comes from."""
        if done.is_new:
            messages.success(self.request, _("Enqueued. This is the new job."))
        else:
            text = _("This form was sent before: here is the job it enqueued.")
            messages.info(self.request, text)
        return HttpResponseRedirect(job_links.job_url(done.ids[0]))

    def context(self, title: str = "") -> dict[str, Any]:
        """What ``catalogue/enqueue_form.html`` needs.

        Args:
            title: of the arguments.
        """
        ticket = once.new_ticket(self.request, self.about)
        if self._id is not None:  # errors: nothing was enqueued with it
            ticket = self.request.POST[once.FIELD]
        return {
            "jobs_forms": [
                as_fieldset(self.arguments, title or _("Parameters")),
                as_fieldset(self.options, _("How to enqueue it")),
            ],
            "jobs_has_errors": bool(self.arguments.errors or self.options.errors),
            "jobs_form_media": self.arguments.media + self.options.media,
            "jobs_left_out": ", ".join(self.arguments.left_out),
            "jobs_queues": self.options.queues,
            "jobs_once": ticket,
            "jobs_once_field": once.FIELD,
        }

    def _is_ready(self) -> bool:
        """Whether all can be sent; if not, the forms say what is wrong."""
        if not all([self.arguments.is_valid(), self.options.is_valid()]):
            return False
        if self._id is None:
            text = _("This page was too old to be sent. Look at it once more, then send it.")
            self.arguments.add_error(None, text)
            return False
        return self._may_use_queue()

    def _may_use_queue(self) -> bool:
        """A site's own rules may differ by queue."""
        queue = self.options.queue_chosen
        if may(self.request.user, PERMISSION, job_name=self.definition.name, queue=queue):
            return True
        if queue == self.definition.queue:
            raise PermissionDenied
        text = _("You may not enqueue this job into the queue %(queue)s.") % {"queue": queue}
        self.options.add_error("queue", text)
        return False


def as_fieldset(form: Form, title: str) -> AdminForm:
    """A plain form in the clothes of the admin's."""
    # It reads nothing of a model.
    return AdminForm(form, [(title, {"fields": list(form.fields)})], {})  # type: ignore[arg-type]
