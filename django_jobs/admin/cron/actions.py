"""What operators do to schedules: run now, switch on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobs import operations
from django_jobs.admin.cron.backfill import BackfillAdmin
from django_jobs.admin.forms import once
from django_jobs.admin.forms.reasons import ReasonActionForm
from django_jobs.admin.shared import history
from django_jobs.admin.shared.bases import user_name
from django_jobs.admin.shared.buttons import Button, reason_of
from django_jobs.exceptions import JobsError
from django_jobs.models import CronJob
from django_jobs.permissions import may
from django_jobs.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

ENQUEUE: Final = Button("enqueue_now", _("Enqueue now"), "manage")
ENABLE: Final = Button("enable", _("Switch on"), "manage")
DISABLE: Final = Button("disable", _("Switch off"), "manage")


#: What a ticket is good for: one enqueue of each schedule.
_ONCE: Final = "cron"


class CronActionForm(ReasonActionForm):
    """Carries a ticket, so that a second click does nothing twice."""

    jobs_once = forms.CharField(label="", required=False, widget=forms.HiddenInput)


class CronActionsAdmin(BackfillAdmin):
    """Buttons and actions of schedules."""

    buttons = (ENQUEUE, ENABLE, DISABLE)
    action_form = CronActionForm
    actions = ("enqueue_now", "enable", "disable")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """May make schedules; the form looks at their jobs and queues."""
        return may(request.user, "add_cronjob")

    def has_change_permission(self, request: HttpRequest, obj: CronJob | None = None) -> bool:
        """May change schedules: the site's own rules may except jobs and queues."""
        return _may(request, "change_cronjob", obj)

    def has_delete_permission(self, request: HttpRequest, obj: CronJob | None = None) -> bool:
        """May delete schedules, likewise; one of the code would come back with the next worker."""
        return _may(request, "delete_cronjob", obj) and not (obj and obj.managed_by_code)

    def has_manage_permission(self, request: HttpRequest, obj: CronJob | None = None) -> bool:
        """May run schedules and switch them, likewise."""
        return _may(request, "manage_cron", obj)

    def may(self, request: HttpRequest, button: Button, obj: CronJob | None = None) -> bool:
        """Whether the user may press it."""
        return self.has_manage_permission(request, obj)

    def offered(self, obj: CronJob) -> list[Button]:
        """Those that change something."""
        return [ENQUEUE, DISABLE if obj.enabled else ENABLE]

    def buttons_context(self, request: HttpRequest, obj: CronJob) -> dict[str, Any]:
        """With a ticket."""
        return super().buttons_context(request, obj) | {
            "jobs_once": once.new_ticket(request, _ONCE),
            "jobs_once_field": once.FIELD,
        }

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With a ticket beside the actions."""
        answer = super().changelist_view(request, extra_context)
        form = (getattr(answer, "context_data", None) or {}).get("action_form")
        if form is not None:
            form.initial[once.FIELD] = once.new_ticket(request, _ONCE)
        return answer

    def press(self, request: HttpRequest, obj: CronJob, button: Button, reason: str) -> None:
        """Enqueue its job, or switch it."""
        if button is ENQUEUE:
            self._enqueue(request, [obj], reason)
        else:
            self._switch(request, [obj], button is ENABLE, reason)

    @admin.action(permissions=["manage"], description=_("Enqueue selected now"))
    def enqueue_now(self, request: HttpRequest, queryset: QuerySet[CronJob]) -> None:
        """Enqueue their jobs, whatever the clock says."""
        allowed = self.only_allowed(request, ENQUEUE, queryset)
        self._enqueue(request, allowed, reason_of(request))

    @admin.action(permissions=["manage"], description=_("Switch on selected cron jobs"))
    def enable(self, request: HttpRequest, queryset: QuerySet[CronJob]) -> None:
        """Switch on; the next run is planned from now."""
        allowed = self.only_allowed(request, ENABLE, queryset)
        self._switch(request, allowed, True, reason_of(request))

    @admin.action(permissions=["manage"], description=_("Switch off selected cron jobs"))
    def disable(self, request: HttpRequest, queryset: QuerySet[CronJob]) -> None:
        """Switch off."""
        allowed = self.only_allowed(request, DISABLE, queryset)
        self._switch(request, allowed, False, reason_of(request))

    def _enqueue(self, request: HttpRequest, rows: Iterable[CronJob], reason: str) -> None:
        ticket = once.id_of(request, _ONCE)
        if ticket is None and request.POST.get(once.FIELD):
            said = _("This page was too old to be sent. Look at it once more, then send it.")
            self.message_user(request, said, messages.ERROR)
            return
        done, by = [], user_name(request)
        for row in rows:
            job_id = None if ticket is None else once.id_of_one(ticket, row.pk)
            try:
                job = operations.enqueue_cron_job(row, by=by, reason=reason, job_id=job_id)
            except JobsError as error:
                self.message_user(request, f"{row.name}: {error}", messages.ERROR)
                continue
            if job.was_already_enqueued and job.pk == job_id:
                said = _("This form was sent before, its jobs are enqueued.")
                self.message_user(request, f"{row.name}: {said}", messages.INFO)
            else:
                done.append(row)
        history.remember(request, done, ENQUEUE.noted(reason))
        if done:
            text = ngettext("%(count)d job enqueued.", "%(count)d jobs enqueued.", len(done))
            self.message_user(request, text % {"count": len(done)}, messages.SUCCESS)

    def _switch(
        self, request: HttpRequest, rows: Iterable[CronJob], enabled: bool, reason: str
    ) -> None:
        by = user_name(request)
        changed = [
            row
            for row in rows
            if operations.switch_cron(row, enabled=enabled, by=by, reason=reason)
        ]
        history.remember(request, changed, (ENABLE if enabled else DISABLE).noted(reason))
        count = len(changed)
        if enabled:
            text = ngettext(
                "%(count)d cron job switched on.", "%(count)d cron jobs switched on.", count
            )
        else:
            text = ngettext(
                "%(count)d cron job switched off.", "%(count)d cron jobs switched off.", count
            )
        self.message_user(request, text % {"count": count}, messages.SUCCESS)


def may_use(request: HttpRequest, permission: str, job_name: str, queue: str | None) -> bool:
    """Whether a user may do it to schedules of a job in a queue, or in the job's own."""
    definition = registry.find(job_name)
    queue = queue or (definition.options.queue if definition is not None else None)
    return may(request.user, permission, job_name=job_name, queue=queue)


def _may(request: HttpRequest, permission: str, row: CronJob | None) -> bool:
    if row is None:
        return may(request.user, permission)
    return may_use(request, permission, row.job_name, row.queue)
