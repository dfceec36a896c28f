"""What can be done to jobs, one by one with buttons and many at a time from the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from django_jobs import permissions
from django_jobs.admin.jobs.bounds import Bounds
from django_jobs.admin.jobs.bulk import AT_ONCE, SELECTION, asked_for, start, told_of
from django_jobs.admin.jobs.impact import PERMISSIONS, Impact, counted, impact
from django_jobs.admin.jobs.operations import ALLOWED, BUTTONS, delete, operate
from django_jobs.admin.shared import job_links, sight
from django_jobs.admin.shared.bases import ReadOnlyAdmin
from django_jobs.admin.shared.buttons import (
    NEEDS_REASON,
    Button,
    ButtonsAdmin,
    lacks_reason,
    reason_of,
)
from django_jobs.conf import config
from django_jobs.models import AuditAction, Job, JobLog, JobTransition
from django_jobs.names import BULK
from django_jobs.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    from django_jobs.operations import OperationResult

#: What is done to ticked jobs without asking: it can be undone.
AT_A_CLICK: Final = frozenset({AuditAction.RETRY, AuditAction.RUN_NOW})
#: Action → its name in the list of actions, where that differs.
NAMES: Final = {AuditAction.DELETE: "delete_selected"}


class JobActionsAdmin(ButtonsAdmin[Job], ReadOnlyAdmin[Job]):
    """Nothing is edited: a job changes by what is done to it."""

    buttons = BUTTONS
    actions = ("retry", "run_now", "cancel", "discard", "delete_selected")

    def has_view_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Whoever may see jobs, but for those that the site's own rules hide."""
        may_look = super().has_view_permission(request, obj)
        return may_look and (obj is None or sight.sees_kind(request, obj.job_name, obj.queue))

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Whoever may delete jobs, once they ended, and sees this one."""
        if obj is None:
            return permissions.may(request.user, "delete_job")
        about = {"job_name": obj.job_name, "queue": obj.queue}
        may_delete = obj.is_finished and permissions.may(request.user, "delete_job", **about)
        return may_delete and sight.sees_kind(request, **about)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """May start ended jobs afresh and run waiting ones now."""
        return permissions.may(request.user, "retry_job")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """May cancel."""
        return permissions.may(request.user, "cancel_job")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """May discard."""
        return permissions.may(request.user, "discard_job")

    # One job

    def offered(self, obj: Job) -> list[Button]:
        """The verbs that the status allows."""
        return [button for button in self.buttons if obj.status in ALLOWED[button]]

    def may(self, request: HttpRequest, button: Button, obj: Job | None = None) -> bool:
        """Whether the user may press it, also by the site's own rules for this job."""
        permission = PERMISSIONS[AuditAction(button.name)]
        about = {} if obj is None else {"job_name": obj.job_name, "queue": obj.queue}
        if not permissions.may(request.user, permission, **about):
            return False
        if obj is None or obj.job_name != BULK or button.permission != "retry":
            return True
        # It goes on with what somebody else was allowed to do.
        params = obj.params if isinstance(obj.params, dict) else {}
        theirs = PERMISSIONS.get(params.get("action", ""))
        return theirs is not None and permissions.may(request.user, theirs)

    def press(self, request: HttpRequest, obj: Job, button: Button, reason: str) -> None:
        """Do it to one job."""
        self._operate(request, button, [obj.pk], reason)

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        """Delete one ended job with its transitions and log lines."""
        if delete(request, [obj.pk]).skipped:
            self.message_user(request, _("It runs again, so it was not deleted."), messages.ERROR)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Count what goes with the jobs instead of listing thousands of rows."""
        jobs = list(objs)
        counts = {
            str(model._meta.verbose_name_plural): model._default_manager.filter(
                job_id__in=[job.pk for job in jobs]
            ).count()
            for model in (JobTransition, JobLog)
        }
        counts = {str(self.opts.verbose_name_plural): len(jobs), **counts}
        return [str(job) for job in jobs], counts, set(), []

    # Many jobs

    @admin.action(permissions=["retry"], description=_("Retry"))
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Start ended jobs afresh."""
        return self._act(request, AuditAction.RETRY)

    @admin.action(permissions=["retry"], description=_("Run now"))
    def run_now(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Make delayed jobs due."""
        return self._act(request, AuditAction.RUN_NOW)

    @admin.action(permissions=["cancel"], description=_("Cancel"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Cancel waiting jobs, ask running ones to stop."""
        return self._act(request, AuditAction.CANCEL)

    @admin.action(permissions=["discard"], description=_("Discard"))
    def discard(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Drop waiting jobs and dead letters."""
        return self._act(request, AuditAction.DISCARD)

    @admin.action(permissions=["delete"], description=_("Delete ended jobs"))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Delete ended jobs; takes the place of Django's action, which lists every row."""
        return self._act(request, AuditAction.DELETE)

    def _act(self, request: HttpRequest, action: AuditAction) -> HttpResponse | None:
        """Do it, at once or by a job of ours; what is much or can't be undone is asked first."""
        is_across = request.POST.get("select_across") == "1"
        is_confirmed = request.POST.get("confirmed") == "yes"
        is_mute = lacks_reason(request)
        if is_confirmed and is_mute:
            self.message_user(request, NEEDS_REASON, messages.ERROR)
        asks = is_mute or (not is_confirmed and (is_across or action not in AT_A_CLICK))
        bounds = (Bounds.read(request.POST) or Bounds.now()) if is_across else None
        selection = bounds.bound(SELECTION.of(request)) if bounds else _ticked(request)
        preview = impact(action, selection, request)
        if asks:
            return self._ask(request, action, preview, bounds)
        reason = reason_of(request)
        if preview.is_capped or preview.total > AT_ONCE:
            job_id = start(request, action, preview, reason, told_of(request))
            self.message_user(request, _("It is being done by this job."), messages.SUCCESS)
            return HttpResponseRedirect(job_links.job_url(job_id))
        self._at_once(request, action, preview, selection, reason)
        return None

    def _at_once(
        self,
        request: HttpRequest,
        action: AuditAction,
        preview: Impact,
        selection: Selection,
        reason: str,
    ) -> None:
        # Ticked ones that can't be changed are told of one by one; of a filter they are left out.
        is_ticked = request.POST.get("select_across") != "1"
        chosen = selection.with_(pairs=preview.selection.pairs) if is_ticked else preview.selection
        ids = [one for chunk in chosen.chunks() for one in chunk]
        if action == AuditAction.DELETE:
            result = delete(request, ids, reason, lambda jobs: self.log_deletions(request, jobs))
        else:
            button = next(one for one in BUTTONS if one.name == action)
            result = operate(request, button, ids, reason)
        self._tell(request, action.label.capitalize(), result, preview)

    def _operate(
        self, request: HttpRequest, button: Button, ids: Sequence[UUID], reason: str = ""
    ) -> None:
        self._tell(request, button.label, operate(request, button, ids, reason))

    def _tell(
        self,
        request: HttpRequest,
        label: Any,
        result: OperationResult,
        preview: Impact | None = None,
    ) -> None:
        level = messages.WARNING if result.skipped else messages.SUCCESS
        self.message_user(request, f"{label}: {result.summary()}", level)
        if preview is not None and preview.forbidden:
            text = _("You may not do this to: %(jobs)s.") % {"jobs": ", ".join(preview.forbidden)}
            self.message_user(request, text, messages.WARNING)

    def _ask(
        self, request: HttpRequest, action: AuditAction, preview: Impact, bounds: Bounds | None
    ) -> HttpResponse:
        """Show what it would do, and ask for a reason; bounds are those of all that is found."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"{action.label.capitalize()}: {counted(preview.total, preview.is_capped)}",
            "opts": self.opts,
            "media": self.media,
            "action": NAMES.get(action, str(action)),
            "label": action.label.capitalize(),
            "impact": preview,
            "asked_for": asked_for(request) if bounds else "",
            "by_job": preview.is_capped or preview.total > AT_ONCE,
            "jobs_reason_required": config.REASON_REQUIRED,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "bounds": bounds,
        }
        return TemplateResponse(request, "admin/django_jobs/job/confirm.html", context)


def _ticked(request: HttpRequest) -> Selection:
    return Selection(ids=tuple(map(UUID, request.POST.getlist(ACTION_CHECKBOX_NAME))))
