"""The ledger of a schedule: which of its times fired and which were skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared import job_links, shown
from django_jobs.admin.shared.bases import ReadOnlyInline
from django_jobs.models import CronJob, CronSlot

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.safestring import SafeString

    BaseSlots = BaseInlineFormSet[CronSlot, CronJob, Any]
else:
    BaseSlots = BaseInlineFormSet

#: Slots that the page shows, the newest.
SLOTS_MAX: Final = 20


class NewestSlots(BaseSlots):
    """The newest slots; there may be one for every minute of a month."""

    def get_queryset(self) -> QuerySet[CronSlot]:
        """Read once: the forms ask again and again."""
        return self._newest

    @cached_property
    def _newest(self) -> QuerySet[CronSlot]:
        return super().get_queryset()[:SLOTS_MAX]


class CronSlotInline(ReadOnlyInline[CronSlot, CronJob]):
    """Below the form of the schedule."""

    model = CronSlot
    formset = NewestSlots
    ordering = ("-slot_at",)
    verbose_name_plural = _("latest slots")
    fields = ("slot", "outcome_shown", "reason", "job_shown")
    readonly_fields = fields

    @admin.display(description=_("slot"))
    def slot(self, row: CronSlot) -> SafeString | str:
        return shown.moment(row.slot_at)

    @admin.display(description=_("outcome"))
    def outcome_shown(self, row: CronSlot) -> SafeString:
        return shown.badge(f"slot-{row.outcome}", row.get_outcome_display())

    @admin.display(description=_("job"))
    def job_shown(self, row: CronSlot) -> SafeString | str:
        if row.job_id is None:
            return shown.NOTHING
        return format_html('<a href="{}">{}</a>', job_links.job_url(row.job_id), row.job_id)
