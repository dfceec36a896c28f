"""“Run job on selected…”: an action for the list of any model.

    from django_jobs.admin import RunJobsAdmin

    @admin.register(Quake)
    class QuakeAdmin(RunJobsAdmin, admin.ModelAdmin): ...

Or, for every list of the site: ``admin.site.add_action(run_job_on_selected)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_jobs.admin.forms import EnqueueForm, JobForm, once
from django_jobs.admin.forms.pickers import Pickers
from django_jobs.admin.forms.submission import PERMISSION, as_fieldset
from django_jobs.admin.own_pages.selection import Target, targets_of, unique_fields
from django_jobs.admin.shared import history, job_links
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.admin.shared.bases import user_name
from django_jobs.auditing import through
from django_jobs.exceptions import JobsError
from django_jobs.models import AuditSource
from django_jobs.permissions import may
from django_jobs.submitting import submit

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest, HttpResponse

    MixinBase = ModelAdmin[Any]
else:
    MixinBase = object

ACTION: Final = "run_job_on_selected"
#: Objects of one action: all of them are enqueued in one transaction.
OBJECTS_MAX: Final = 10_000
TARGET_FIELD: Final = "jobs_target"
SEND_FIELD: Final = "jobs_send"


@admin.action(description=gettext_lazy("Run job on selected…"))
def run_job_on_selected(
    model_admin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Choose a job, then its other arguments; then it is enqueued for the objects."""
    if not may(request.user, PERMISSION):
        raise PermissionDenied
    count = len(queryset.values_list("pk", flat=True)[: OBJECTS_MAX + 1])
    if count > OBJECTS_MAX:
        text = _("A job can be run on at most %(count)s objects at once. Nothing was enqueued.")
        model_admin.message_user(request, text % {"count": f"{OBJECTS_MAX:,}"}, messages.ERROR)
        return None
    return RunOnSelected(model_admin, request, queryset, count).answer() if count else None


class RunJobsAdmin(MixinBase):
    """Gives a ModelAdmin the action, for those who may enqueue jobs."""

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> Any:
        """Those of the page, and ours."""
        # Django 6.1 asks for each part of a page, earlier ones for the list alone.
        where = () if action_location is None else (action_location,)
        actions: dict[str, Any] = super().get_actions(request, *where)
        actions.pop(ACTION, None)
        is_popup = IS_POPUP_VAR in request.GET
        if self.actions is not None and not is_popup and may(request.user, PERMISSION):
            action = self.get_action(run_job_on_selected, *where)
            if action is not None:
                actions[ACTION] = action
        return actions


class RunOnSelected:
    """One request of the pages between the list and the jobs."""

    def __init__(
        self,
        model_admin: ModelAdmin[Any],
        request: HttpRequest,
        queryset: QuerySet[Any],
        count: int,
    ) -> None:
        self.model_admin = model_admin
        self.request = request
        self.queryset = queryset
        self.count = count
        self.sample = queryset.values(*unique_fields(model_admin.model))[0]
        self.targets = targets_of(request, model_admin.model, self.sample)

    def answer(self) -> HttpResponse | None:
        """The page that comes next, or nothing when the jobs are enqueued."""
        chosen = self.request.POST.get(TARGET_FIELD, "")
        target = next((one for one in self.targets if one.key == chosen), None)
        if target is None:
            meant = [one for one in self.targets if one.is_meant]
            others = [one for one in self.targets if not one.is_meant]
            return self._page("choose", {"jobs_targets": meant, "jobs_other_targets": others})
        is_sent = SEND_FIELD in self.request.POST
        data = self.request.POST if is_sent else None
        arguments = JobForm(
            target.definition,
            data,
            fixed={target.parameter: target.argument([self.sample[target.field]])},
            pickers=Pickers(self.model_admin.admin_site, self.request),
        )
        options = EnqueueForm(target.definition, data)
        if is_sent and self._send(target, arguments, options):
            return None
        return self._page(
            "run",
            {
                "jobs_target": target,
                "jobs_forms": [
                    as_fieldset(arguments, _("Other parameters")),
                    as_fieldset(options, _("How to enqueue it")),
                ],
                "jobs_has_errors": bool(arguments.errors or options.errors),
                "jobs_form_media": arguments.media + options.media,
                "jobs_queues": options.queues,
                "jobs_once": self._ticket(target),
                "jobs_once_field": once.FIELD,
            },
        )

    def _send(self, target: Target, arguments: JobForm, options: EnqueueForm) -> bool:
        """Enqueue, unless the forms have errors now."""
        if not all([arguments.is_valid(), options.is_valid()]):
            return False
        first_id = once.id_of(self.request, self._about(target))
        if first_id is None:
            arguments.add_error(None, _("This page was too old to be sent. Look at it once more."))
            return False
        name, queue = target.definition.name, options.queue_chosen
        if not may(self.request.user, PERMISSION, job_name=name, queue=queue):
            text = _("You may not enqueue this job into the queue %(queue)s.") % {"queue": queue}
            options.add_error("queue", text)
            return False
        chosen = options.chosen().using(correlation_id=str(first_id))
        keys = self.queryset.values_list(target.field, flat=True)[:OBJECTS_MAX]
        calls = [{**arguments.params, **one} for one in target.calls(list(keys))]
        try:
            with through(AuditSource.ADMIN):
                done = submit(
                    chosen,
                    calls,
                    by=user_name(self.request),
                    reason=options.reason_given,
                    first_id=first_id,
                    details={
                        "model": self.model_admin.opts.label,
                        "objects": self.count,
                        "parameter": target.parameter,
                    },
                )
        except JobsError as error:
            arguments.add_error(None, str(error))
            return False
        if done.is_new:
            note = _("Enqueued for %(model)s") % {"model": self.model_admin.opts.label}
            history.remember_jobs(self.request, done.ids, note)
        self._tell(target, len(calls), str(first_id), is_new=done.is_new)
        return True

    def _tell(self, target: Target, count: int, correlation_id: str, *, is_new: bool) -> None:
        text = ngettext(
            "%(count)s job %(job)s was enqueued.", "%(count)s jobs %(job)s were enqueued.", count
        ) % {"count": f"{count:,}", "job": target.definition.name}
        if not is_new:
            text = _("This form was sent before, its jobs are enqueued.")
        addresses = Addresses.beside(self.model_admin.admin_site.name)
        url = addresses.jobs(q=job_links.exactly("correlation", correlation_id))
        if url and self.request.user.has_perm("django_jobs.view_job"):
            text = format_html('{} <a href="{}">{}</a>', text, url, _("Show in the list"))
        level = messages.SUCCESS if is_new else messages.INFO
        self.model_admin.message_user(self.request, text, level)

    def _about(self, target: Target) -> str:
        return f"selected:{self.model_admin.opts.label}:{target.key}"

    def _ticket(self, target: Target) -> str:
        if SEND_FIELD in self.request.POST and once.id_of(self.request, self._about(target)):
            return self.request.POST[once.FIELD]
        return once.new_ticket(self.request, self._about(target))

    def _page(self, name: str, context: dict[str, Any]) -> HttpResponse:
        opts = self.model_admin.opts
        return TemplateResponse(
            self.request,
            f"admin/django_jobs/selected/{name}.html",
            {
                **self.model_admin.admin_site.each_context(self.request),
                "title": _("Run a job on the selected objects"),
                "opts": opts,
                "media": self.model_admin.media,
                "jobs_count": self.count,
                "jobs_model_name": _model_name(self.model_admin.model, self.count),
                "jobs_action": ACTION,
                "jobs_selected": self.request.POST.getlist(ACTION_CHECKBOX_NAME),
                "jobs_checkbox_name": ACTION_CHECKBOX_NAME,
                "jobs_select_across": self.request.POST.get("select_across", "0"),
                "jobs_target_field": TARGET_FIELD,
                "jobs_send_field": SEND_FIELD,
                **context,
            },
        )


def _model_name(model: type[Model], count: int) -> Any:
    opts = model._meta
    return opts.verbose_name if count == 1 else opts.verbose_name_plural
