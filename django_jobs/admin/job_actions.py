"""What can be done to jobs, one by one with buttons and many at a time from the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobs.admin.bases import ReadOnlyAdmin
from django_jobs.admin.buttons import Button, ButtonsAdmin
from django_jobs.admin.job_list import LIST_MAX
from django_jobs.admin.job_operations import (
    ALLOWED,
    BUTTONS,
    CANCEL,
    DISCARD,
    RETRY,
    RUN_NOW,
    delete_finished,
    operate,
)
from django_jobs.models import Job, JobLog, JobTransition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


class JobActionsAdmin(ButtonsAdmin[Job], ReadOnlyAdmin[Job]):
    """Nothing is edited: a job changes by what is done to it."""

    buttons = BUTTONS
    actions = ("retry", "run_now", "cancel", "discard", "delete_selected")

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Whoever may delete jobs, once they ended."""
        allowed: bool = request.user.has_perm("django_jobs.delete_job")
        return allowed and (obj is None or obj.is_finished)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """May start ended jobs afresh and run waiting ones now."""
        return bool(request.user.has_perm("django_jobs.retry_job"))

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """May cancel."""
        return bool(request.user.has_perm("django_jobs.cancel_job"))

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """May discard."""
        return bool(request.user.has_perm("django_jobs.discard_job"))

    # One job

    def offered(self, obj: Job) -> list[Button]:
        """The verbs that the status allows."""
        return [button for button in self.buttons if obj.status in ALLOWED[button]]

    def press(self, request: HttpRequest, obj: Job, button: Button, reason: str) -> None:
        """Do it to one job."""
        self._operate(request, button, [obj.pk], reason)

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        """Delete one ended job with its transitions and log lines."""
        if delete_finished([obj.pk]).skipped:
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

    @admin.action(permissions=["retry"], description=_("Retry selected jobs"))
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Start ended jobs afresh."""
        return self._act(request, queryset, RETRY)

    @admin.action(permissions=["retry"], description=_("Run selected jobs now"))
    def run_now(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Make delayed jobs due."""
        return self._act(request, queryset, RUN_NOW)

    @admin.action(permissions=["cancel"], description=_("Cancel selected jobs"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Cancel waiting jobs, ask running ones to stop."""
        return self._act(request, queryset, CANCEL)

    @admin.action(permissions=["discard"], description=_("Discard selected jobs"))
    def discard(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Drop waiting jobs and dead letters."""
        return self._act(request, queryset, DISCARD)

    @admin.action(permissions=["delete"], description=_("Delete selected ended jobs"))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Delete ended jobs; takes the place of Django's action, which lists every row."""
        ids = _listed(queryset)
        if not _is_confirmed(request):
            return self._ask(request, "delete_selected", _("Delete selected ended jobs"), ids)
        result = delete_finished(ids, lambda jobs: self.log_deletions(request, jobs))
        level = messages.WARNING if result.skipped else messages.SUCCESS
        self.message_user(request, f"{_('Delete')}: {result.summary()}", level)
        return None

    def _act(
        self, request: HttpRequest, queryset: QuerySet[Job], button: Button
    ) -> HttpResponse | None:
        ids = _listed(queryset)
        if request.POST.get("select_across") == "1" and not _is_confirmed(request):
            return self._ask(request, button.name, button.label, ids)
        self._operate(request, button, ids)
        return None

    def _operate(
        self, request: HttpRequest, button: Button, ids: Sequence[UUID], reason: str = ""
    ) -> None:
        result = operate(request, button, ids, reason)
        level = messages.WARNING if result.skipped else messages.SUCCESS
        self.message_user(request, f"{button.label}: {result.summary()}", level)

    def _ask(
        self, request: HttpRequest, action: str, label: Any, ids: Sequence[UUID]
    ) -> HttpResponse:
        """Ask again, saying how many jobs it will be."""
        count = ngettext("%(count)d job", "%(count)d jobs", len(ids)) % {"count": len(ids)}
        context = {
            **self.admin_site.each_context(request),
            "title": f"{label}: {count}",
            "opts": self.opts,
            "media": self.media,
            "action": action,
            "label": label,
            "is_capped": len(ids) >= LIST_MAX,
            "list_max": LIST_MAX,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/django_jobs/job/confirm.html", context)


def _listed(queryset: QuerySet[Job]) -> list[UUID]:
    """The first of the list, as many as “select all” promised."""
    return list(queryset.values_list("pk", flat=True)[:LIST_MAX])


def _is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get("confirmed") == "yes"
