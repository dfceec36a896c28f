"""Queues: how much waits in them, and whether they are paused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobs import operations
from django_jobs.admin import history, job_page, shown
from django_jobs.admin.bases import PlainChangeList, ReadOnlyAdmin, user_name
from django_jobs.admin.buttons import Button, ButtonsAdmin
from django_jobs.admin.job_filters import known_queues
from django_jobs.exceptions import JobsError
from django_jobs.models import Queue
from django_jobs.names import check_queue_name
from django_jobs.states import Status
from django_jobs.stats import QueueDepth, queue_depths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

PAUSE: Final = Button("pause", _("Pause"), "pause")
RESUME: Final = Button("resume", _("Resume"), "pause", takes_reason=False)


class QueueChangeList(PlainChangeList):
    """Every queue, also those without a row: a queue has one only once it was paused."""

    def get_results(self, request: HttpRequest) -> None:
        """Take rows, code, settings and live jobs together."""
        depths = {depth.name: depth for depth in queue_depths()}
        rows = {row.name: row for row in self.queryset}
        names = sorted({*rows, *depths, *known_queues()})
        queues = [rows.get(name) or Queue(name=name) for name in names]
        for queue in queues:
            _attach(queue, depths.get(queue.name))
        self.result_list = queues
        self.result_count = self.full_result_count = len(queues)
        self.show_full_result_count = self.show_admin_actions = True
        self.can_show_all, self.multi_page = True, False
        self.paginator = Paginator(queues, max(len(queues), 1))


def _attach(queue: Queue, depth: QueueDepth | None) -> None:
    queue.depth = depth or QueueDepth(queue.name, queue.is_paused, 0, 0, 0, 0, None)  # type: ignore[attr-defined]


@admin.register(Queue)
class QueueAdmin(ButtonsAdmin[Queue], ReadOnlyAdmin[Queue]):
    """Pause and resume."""

    buttons = (PAUSE, RESUME)
    list_display = (
        "name",
        "state",
        "pending",
        "oldest",
        "running",
        "scheduled",
        "retrying",
        "paused_since",
        "paused_by",
        "pause_reason",
    )
    list_display_links = ("name",)
    sortable_by = ()
    actions = ("pause", "resume")
    fieldsets = (
        (None, {"fields": ("name", "state", "paused_since", "paused_by", "pause_reason")}),
        (_("Live jobs"), {"fields": ("pending", "oldest", "running", "scheduled", "retrying")}),
    )

    def has_pause_permission(self, request: HttpRequest) -> bool:
        """May pause and resume."""
        return bool(request.user.has_perm("django_jobs.pause_queue"))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[QueueChangeList]:
        """The class of the list."""
        return QueueChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Queue | None:
        """A queue with its live counts; it need not have a row."""
        try:
            check_queue_name(object_id)
        except JobsError:
            return None
        depths = {depth.name: depth for depth in queue_depths()}
        queue = super().get_object(request, object_id, from_field)
        if queue is None and object_id in {*depths, *known_queues()}:
            queue = Queue(name=object_id)
        if queue is not None:
            _attach(queue, depths.get(queue.name))
        return queue

    # Columns

    @admin.display(description=_("state"))
    def state(self, queue: Queue) -> SafeString:
        if queue.is_paused:
            return shown.badge("off", _("paused"))
        return shown.badge("on", _("open"))

    @admin.display(description=_("pending"))
    def pending(self, queue: Queue) -> SafeString:
        return _count(queue, Status.PENDING)

    @admin.display(description=_("running"))
    def running(self, queue: Queue) -> SafeString:
        return _count(queue, Status.RUNNING)

    @admin.display(description=_("scheduled"))
    def scheduled(self, queue: Queue) -> SafeString:
        return _count(queue, Status.SCHEDULED)

    @admin.display(description=_("retrying"))
    def retrying(self, queue: Queue) -> SafeString:
        return _count(queue, Status.RETRYING)

    @admin.display(description=_("longest wait"))
    def oldest(self, queue: Queue) -> str:
        since = _depth(queue).oldest_pending
        return shown.NOTHING if since is None else shown.duration(timezone.now() - since)

    @admin.display(description=_("paused since"))
    def paused_since(self, queue: Queue) -> SafeString | str:
        return shown.moment(queue.paused_at)

    # Operations

    def offered(self, obj: Queue) -> list[Button]:
        """The one that changes something."""
        return [RESUME if obj.is_paused else PAUSE]

    def press(self, request: HttpRequest, obj: Queue, button: Button, reason: str) -> None:
        """Pause or resume."""
        self._operate(request, [obj.name], button, reason)

    @admin.action(permissions=["pause"], description=_("Pause selected queues"))
    def pause(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Let nothing more be claimed from them."""
        self._operate(request, request.POST.getlist(ACTION_CHECKBOX_NAME), PAUSE)

    @admin.action(permissions=["pause"], description=_("Resume selected queues"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Let them be claimed from again."""
        self._operate(request, request.POST.getlist(ACTION_CHECKBOX_NAME), RESUME)

    def _operate(
        self, request: HttpRequest, names: Iterable[str], button: Button, reason: str = ""
    ) -> None:
        changed = [name for name in names if self._change(request, name, button, reason)]
        note = f"{button.label}: {reason}" if reason else str(button.label)
        history.remember(request, Queue.objects.filter(pk__in=changed), note)
        if button is PAUSE:
            text = ngettext("%(count)d queue paused.", "%(count)d queues paused.", len(changed))
        else:
            text = ngettext("%(count)d queue resumed.", "%(count)d queues resumed.", len(changed))
        self.message_user(request, text % {"count": len(changed)}, messages.SUCCESS)

    def _change(self, request: HttpRequest, name: str, button: Button, reason: str) -> bool:
        if self.get_object(request, name) is None:
            return False  # A name that nobody knows makes no row.
        if button is PAUSE:
            return operations.pause_queue(name, by=user_name(request), reason=reason)
        return operations.resume_queue(name, by=user_name(request))


def _depth(queue: Queue) -> QueueDepth:
    depth: QueueDepth = queue.depth  # type: ignore[attr-defined]
    return depth


def _count(queue: Queue, status: Status) -> SafeString:
    url = job_page.jobs_url(queue=queue.name, status=status)
    return format_html('<a href="{}">{}</a>', url, getattr(_depth(queue), status))
