"""Making up for times of a schedule that did not run: choose a range, see how many, confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_jobs import operations
from django_jobs.admin.forms.moments import moment_field
from django_jobs.admin.forms.reasons import reason_field
from django_jobs.admin.shared import history
from django_jobs.admin.shared.bases import user_name
from django_jobs.admin.shared.buttons import ButtonsAdmin
from django_jobs.auditing import through
from django_jobs.exceptions import JobsError
from django_jobs.models import AuditSource, CronJob

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase


class BackfillForm(forms.Form):
    """The range, and why."""

    since = moment_field(gettext_lazy("From"))
    until = moment_field(gettext_lazy("Until"))
    reason = reason_field()


class BackfillAdmin(ButtonsAdmin[CronJob]):
    """The page below that of a schedule."""

    backfill_template = "admin/django_jobs/cronjob/backfill.html"

    def get_urls(self) -> list[URLPattern]:
        """Before Django's own, whose last pattern takes all."""
        view = self.admin_site.admin_view(self.backfill_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_backfill"
        return [path("<path:object_id>/backfill/", view, name=name), *super().get_urls()]

    def buttons_context(self, request: HttpRequest, obj: CronJob) -> dict[str, Any]:
        """With the way to the page, for who may go there."""
        url = self.page_url(obj, "backfill") if self.has_manage_permission(request, obj) else ""
        return super().buttons_context(request, obj) | {"jobs_backfill_url": url}

    def has_manage_permission(self, request: HttpRequest, obj: CronJob | None = None) -> bool:
        """May run schedules and switch them."""
        raise NotImplementedError

    def backfill_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Ask for a range, show how many times are in it, and enqueue them when confirmed."""
        if not self.has_view_permission(request) or not self.has_manage_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self.gone(request, object_id)
        if not self.has_manage_permission(request, row):
            raise PermissionDenied
        form = BackfillForm(request.POST or None)
        slots = _slots(form, row)
        if slots and request.POST.get("confirmed") == "yes":
            self._backfill(request, row, form)
            return HttpResponseRedirect(self.page_url(row, "change"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Backfill %(name)s") % {"name": row.name},
            "original": row,
            "form": form,
            "slots": slots,
            "change_url": self.page_url(row, "change"),
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.backfill_template, context)

    def _backfill(self, request: HttpRequest, row: CronJob, form: BackfillForm) -> None:
        reason = form.cleaned_data["reason"]
        since, until = form.cleaned_data["since"], form.cleaned_data["until"]
        try:
            with through(AuditSource.ADMIN):
                jobs = operations.backfill_cron(
                    row, since, until, by=user_name(request), reason=reason
                )
        except JobsError as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        note = _("Backfilled %(since)s – %(until)s") % {"since": since, "until": until}
        history.remember(request, [row], f"{note}: {reason}" if reason else note)
        text = ngettext("%(count)d job enqueued.", "%(count)d jobs enqueued.", len(jobs))
        self.message_user(request, text % {"count": len(jobs)}, messages.SUCCESS)


def _slots(form: BackfillForm, row: CronJob) -> list[Any] | None:
    """The times in the range that is filled in; ``None`` while there is none."""
    if not form.is_valid():
        return None
    data = form.cleaned_data
    try:
        return list(operations.backfill_slots(row, data["since"], data["until"]))
    except JobsError as error:
        field, separator, said = str(error).partition(": ")
        known = separator and field in form.fields
        form.add_error(field if known else None, said if known else str(error))
        return None
