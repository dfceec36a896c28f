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

from django_jobs.admin.forms.submission import PERMISSION, Submission
from django_jobs.admin.own_pages.targets import Target, targets_of, unique_fields
from django_jobs.admin.shared import job_links, shown
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.permissions import may

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
        text %= {"count": shown.number(OBJECTS_MAX)}
        model_admin.message_user(request, text, messages.ERROR)
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
        submission = Submission(
            self.request,
            self.model_admin.admin_site,
            target.definition,
            f"selected:{self.model_admin.opts.label}:{target.key}",
            fixed={target.parameter: target.argument([self.sample[target.field]])},
            is_sent=SEND_FIELD in self.request.POST,
        )
        if submission.is_sent and self._send(target, submission):
            return None
        context = submission.context(_("Other parameters"))
        return self._page("run", {**context, "jobs_target": target})

    def _send(self, target: Target, submission: Submission) -> bool:
        """Enqueue, unless the forms have errors now."""
        keys = self.queryset.values_list(target.field, flat=True)[:OBJECTS_MAX]
        calls = target.calls(list(keys))
        model = self.model_admin.opts.label
        details = {"model": model, "objects": self.count, "parameter": target.parameter}
        note = _("Enqueued for %(model)s") % {"model": model}
        done = submission.send(note, details, calls)
        if done is not None:
            self._tell(target, len(calls), str(done.ids[0]), is_new=done.is_new)
        return done is not None

    def _tell(self, target: Target, count: int, correlation_id: str, *, is_new: bool) -> None:
        text = ngettext(
            "%(count)s job %(job)s was enqueued.", "%(count)s jobs %(job)s were enqueued.", count
        ) % {"count": shown.number(count), "job": target.definition.name}
        if not is_new:
            text = _("This form was sent before, its jobs are enqueued.")
        addresses = Addresses.beside(self.model_admin.admin_site.name)
        url = addresses.jobs(q=job_links.exactly("correlation", correlation_id))
        if url and self.request.user.has_perm("django_jobs.view_job"):
            text = format_html('{} <a href="{}">{}</a>', text, url, _("Show in the list"))
        level = messages.SUCCESS if is_new else messages.INFO
        self.model_admin.message_user(self.request, text, level)

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
