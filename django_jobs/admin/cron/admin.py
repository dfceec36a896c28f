"""Schedules: the list, the form and the ledger of what fired."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.cron import runs as cronjob_runs
from django_jobs.admin.cron import words as cron_words
from django_jobs.admin.cron.actions import CronActionsAdmin, may_use
from django_jobs.admin.cron.form import CronJobForm
from django_jobs.admin.cron.slots import CronSlotInline
from django_jobs.admin.cron.strip import strip
from django_jobs.admin.jobs import page as job_page
from django_jobs.admin.shared import job_links, payload, shown
from django_jobs.admin.shared.bases import user_name
from django_jobs.auditing import audit
from django_jobs.exceptions import JobsError
from django_jobs.models import AuditAction, CronJob
from django_jobs.registry import registry

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: A schedule whose time passed this long ago waits for a worker that is not there.
OVERDUE: Final = timedelta(minutes=2)
#: What the engine computes its next run from.
_TIMING: Final = frozenset({"name", "cron_expression", "timezone", "enabled"})


#: How the next times are written: with the zone, for it is the schedule's own.
_CLOCK: Final = "D Y-m-d H:i T"


@admin.register(CronJob)
class CronJobAdmin(CronActionsAdmin):
    """Schedules from code can only be switched on and off here."""

    form = CronJobForm
    when_empty = _("No schedules. Add one here, or put @cron on a job in the code.")
    change_form_template = "admin/django_jobs/cronjob/change_form.html"
    inlines = (CronSlotInline,)
    list_display = (
        "name",
        "job_shown",
        "expression_shown",
        "state",
        "next_run",
        "last_run_and_job",
    )
    list_filter = ("enabled", "managed_by_code")
    allowed_lookups = ("enabled__exact", "managed_by_code__exact")
    search_fields = ("name", "job_name")
    fieldsets = (
        (None, {"fields": ("name", "job_name", "params", "enabled", "origin")}),
        (
            _("When"),
            {
                "fields": (
                    "cron_expression",
                    "timezone",
                    "words",
                    "next_runs",
                    "last_run",
                    "latest_times",
                )
            },
        ),
        (
            _("How"),
            {"fields": ("queue", "priority", "missed_policy", "missed_max", "overlap_policy")},
        ),
    )
    _shown_only = (
        "origin",
        "words",
        "next_runs",
        "last_run",
        "latest_times",
        "params_shown",
        "params_needed",
    )

    class Media:
        css: ClassVar = {"all": ["django_jobs/queues.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[CronJob]:
        """With what the list says of the last job."""
        large = (f"last_job__{name}" for name in ("params", "result", "error", "tags"))
        return super().get_queryset(request).select_related("last_job").defer(*large)

    def get_readonly_fields(
        self, request: HttpRequest, obj: CronJob | None = None
    ) -> tuple[str, ...]:
        """All but “enabled”, if the code owns the row."""
        if obj is not None and obj.managed_by_code:
            owned = [name for name in CronJobForm.Meta.fields if name != "enabled"]
            return (*owned, *self._shown_only)
        if self._params_field(request, obj) != "params":
            return ("params", *self._shown_only)  # else the form would have the field all the same
        return self._shown_only

    def get_fieldsets(self, request: HttpRequest, obj: CronJob | None = None) -> Any:
        """With the parameters in the form, as text, or not at all."""
        shown_as = self._params_field(request, obj)
        return [
            (
                title,
                {"fields": [shown_as if name == "params" else name for name in options["fields"]]},
            )
            for title, options in self.fieldsets
        ]

    def _params_field(self, request: HttpRequest, obj: CronJob | None) -> str:
        if obj is None:
            return "params"  # who makes a schedule writes them
        if not payload.may_see(request):
            return "params_needed"
        is_editable = self.has_change_permission(request, obj) and not obj.managed_by_code
        return "params" if is_editable else "params_shown"

    def get_form(
        self, request: HttpRequest, obj: CronJob | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """For the jobs and queues that the user may make schedules of."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        permission = "add_cronjob" if obj is None else "change_cronjob"
        form.may_use = staticmethod(partial(may_use, request, permission))
        return form

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Refuse to delete schedules of the code along with others."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        kept = [str(row) for row in objs if row.managed_by_code]
        return deleted, counts, lacking, [*protected, *kept]

    def save_model(self, request: HttpRequest, obj: CronJob, form: Any, change: bool) -> None:
        """Write what was changed only: a worker may be moving the schedule on meanwhile."""
        if not change:
            obj.save()
            self._audit(request, obj, {"created": True})
            return
        changed = set(form.changed_data)
        if changed:
            self._audit(request, obj, _differences(obj, form))
        if changed & _TIMING:
            obj.next_run_at = None  # The cron service plans it anew.
            changed.add("next_run_at")
        if changed:
            obj.save(update_fields=[*changed, "updated_at"])

    def delete_model(self, request: HttpRequest, obj: CronJob) -> None:
        """Delete one."""
        self._audit(request, obj, {"deleted": True})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[CronJob]) -> None:
        """Delete those that were chosen in the list."""
        for row in queryset:
            self._audit(request, row, {"deleted": True})
        super().delete_queryset(request, queryset)

    def _audit(self, request: HttpRequest, row: CronJob, details: dict[str, Any]) -> None:
        audit(AuditAction.CHANGE_CRON, by=user_name(request), target=row.name, details=details)

    def get_inlines(self, request: HttpRequest, obj: CronJob | None = None) -> Any:
        """No ledger before there is a schedule."""
        return () if obj is None else self.inlines

    # Columns

    @admin.display(description=_("job"), ordering="job_name")
    def job_shown(self, row: CronJob) -> SafeString:
        unknown = "" if registry.has(row.job_name) else shown.warning(_("not registered"))
        url = job_links.jobs_url(job=row.job_name)
        return format_html('<a href="{}">{}</a> {}', url, shown.dotted(row.job_name), unknown)

    @admin.display(description=_("schedule"))
    def expression_shown(self, row: CronJob) -> SafeString:
        words = cron_words.in_words(row.cron_expression)
        return format_html(
            '<span class="jobs-line">{}</span><code>{}</code> <span class="jobs-quiet">{}</span>',
            words,
            row.cron_expression,
            row.timezone,
        )

    @admin.display(description=_("in words"))
    def words(self, row: CronJob) -> str:
        words = cron_words.in_words(row.cron_expression)
        return f"{words} {row.timezone}" if words else shown.NOTHING

    @admin.display(description=_("latest times"))
    def latest_times(self, row: CronJob) -> SafeString | str:
        return shown.NOTHING if row._state.adding else strip(row)

    @admin.display(description=_("state"), ordering="enabled")
    def state(self, row: CronJob) -> SafeString:
        state = shown.badge("on", _("on")) if row.enabled else shown.badge("off", _("off"))
        return format_html("{} {}", state, self.origin(row))

    @admin.display(description=_("next run"), ordering="next_run_at")
    def next_run(self, row: CronJob) -> SafeString | str:
        if not row.enabled or row.next_run_at is None:
            return shown.NOTHING
        if row.next_run_at < timezone.now() - OVERDUE:
            overdue = shown.warning(_("overdue: no worker runs its cron service"))
            return format_html("{} {}", shown.moment_and_age(row.next_run_at, short=True), overdue)
        return shown.moment_and_age(row.next_run_at, short=True)

    @admin.display(description=_("last run"), ordering="last_run_at")
    def last_run(self, row: CronJob) -> SafeString | str:
        return shown.moment_and_age(row.last_run_at)

    @admin.display(description=_("last run"), ordering="last_run_at")
    def last_run_and_job(self, row: CronJob) -> SafeString | str:
        at = shown.moment_and_age(row.last_run_at, short=True)
        if row.last_job is None:
            return at
        url = job_links.job_url(row.last_job.pk)
        badge = job_page.status_badge(row.last_job)
        return format_html('{} <a href="{}">{}</a>', at, url, badge)

    @admin.display(description=_("parameters"))
    def params_shown(self, row: CronJob) -> SafeString | str:
        return payload.params(row)

    @admin.display(description=_("parameters"))
    def params_needed(self, row: CronJob) -> str:
        return payload.needed()

    @admin.display(description=_("comes from"))
    def origin(self, row: CronJob) -> SafeString:
        if row.managed_by_code:
            return shown.badge("origin-code", _("code (@cron)"))
        return shown.badge("origin-admin", _("admin"))

    @admin.display(description=_("next runs"))
    def next_runs(self, row: CronJob) -> SafeString | str:
        """The next times by the schedule's own clock."""
        if row._state.adding:
            return str(_("Shown once it is saved."))
        try:
            times = cronjob_runs.next_runs(row)
        except JobsError as error:
            return shown.warning(error)
        line = '<time datetime="{}">{}</time> <span class="jobs-age">{}</span>'
        told = ((at.isoformat(), formats.date_format(at, _CLOCK), shown.age(at)) for at in times)
        return format_html('<span class="jobs-lines">{}</span>', format_html_join("\n", line, told))


def _differences(row: CronJob, form: Any) -> dict[str, Any]:
    """What was changed, before and after; of the parameters, which may be secret, only that."""
    return {
        name: True
        if name == "params"
        else {"before": form.initial.get(name), "after": getattr(row, name)}
        for name in form.changed_data
    }
