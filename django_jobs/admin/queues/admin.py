"""Queues: how much waits in them, who serves them, whether they are paused, and their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Paginator
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobs import operations
from django_jobs.admin.jobs.listing.filters import known_queues
from django_jobs.admin.queues import now as queue_now
from django_jobs.admin.queues.forms import LimitsForm, PauseForm, QueueActionForm
from django_jobs.admin.shared import history, shown
from django_jobs.admin.shared.bases import PlainChangeList, ReadOnlyAdmin, user_name
from django_jobs.admin.shared.buttons import Button, ButtonsAdmin, reason_of
from django_jobs.exceptions import JobsError
from django_jobs.models import Queue
from django_jobs.names import check_queue_name
from django_jobs.permissions import may
from django_jobs.states import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

PAUSE: Final = Button("pause", _("Pause"), "pause")
RESUME: Final = Button("resume", _("Resume"), "pause")

_PAUSE_FIELDS: Final = ("paused_since", "resumes", "paused_by", "pause_reason")


class QueueChangeList(PlainChangeList):
    """Every queue, also those without a row: a queue has one only once an operator changed it."""

    def get_results(self, request: HttpRequest) -> None:
        """Take rows, code, settings, workers and live jobs together."""
        rows = {row.name: row for row in self.queryset}
        found = queue_now.pictures(known_queues(rows))
        queues = [_with(picture, rows.get(name)) for name, picture in found.items()]
        self.result_list = queues
        self.result_count = self.full_result_count = len(queues)
        self.show_full_result_count = self.show_admin_actions = True
        self.can_show_all, self.multi_page = True, False
        self.paginator = Paginator(queues, max(len(queues), 1))
        times = [one.now.sampled_at for one in found.values() if one.now.sampled_at]
        #: For the template: of when the estimates are, at best.
        self.sampled_at = shown.moment(max(times)) if times else ""


def _with(picture: queue_now.Picture, row: Queue | None) -> Queue:
    queue = row or Queue(name=picture.now.name)
    queue_now.PICTURE.put(queue, picture)
    return queue


@admin.register(Queue)
class QueueAdmin(ButtonsAdmin[Queue], ReadOnlyAdmin[Queue]):
    """Pause, resume and limit."""

    form = LimitsForm
    change_form_template = "admin/django_jobs/queue/change_form.html"
    change_list = QueueChangeList
    change_list_template = "admin/django_jobs/queue/change_list.html"
    buttons = (PAUSE, RESUME)
    list_display = (
        "name",
        "state",
        "pending",
        "history",
        "oldest",
        "rate",
        "drains_in",
        "running",
        "later",
        "served_by",
    )
    list_display_links = ("name",)
    sortable_by = ()
    action_form = QueueActionForm
    actions = ("pause", "resume")
    fieldsets = (
        (
            None,
            {"fields": ("name", "state", *_PAUSE_FIELDS)},
        ),
        (
            _("Now"),
            {
                "fields": ("figures", "served_by", "history"),
            },
        ),
        (
            _("Limits"),
            {
                "fields": ("max_running", "rate_limit", "reason"),
                "description": _("All workers together keep them. They obey within a second."),
            },
        ),
    )
    readonly_fields = ("name", "state", *_PAUSE_FIELDS, "figures", "served_by", "history")

    class Media:
        css: ClassVar = {"all": ["django_jobs/queues.css"]}

    # Who may

    def has_pause_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        """May pause and resume: the site's own rules may except single queues."""
        return may(request.user, "pause_queue", queue=obj.name if obj else None)

    def has_change_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        """May change limits."""
        return self.has_pause_permission(request, obj) and may(
            request.user, "change_queue", queue=obj.name if obj else None
        )

    def may(self, request: HttpRequest, button: Button, obj: Queue | None = None) -> bool:
        """Whether the user may press it."""
        return self.has_pause_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Queue | None = None) -> Any:
        """Without what says nothing: a pause that is none, a reason for no change."""
        left_out = set() if obj is not None and obj.is_paused else set(_PAUSE_FIELDS)
        if not self.has_change_permission(request, obj):
            left_out.add("reason")
        return [
            (title, {**options, "fields": [f for f in options["fields"] if f not in left_out]})
            for title, options in self.fieldsets
        ]

    # Rows

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Queue | None:
        """A queue as it is now; it need not have a row."""
        try:
            check_queue_name(object_id)
        except JobsError:
            return None
        queue = super().get_object(request, object_id, from_field)
        found = queue_now.pictures(known_queues([queue.name] if queue else []))
        if object_id not in found:
            return None
        return _with(found[object_id], queue)

    # Columns

    @admin.display(description=_("state"))
    def state(self, queue: Queue) -> SafeString:
        if not queue.is_paused:
            return shown.badge("on", _("open"))
        badge = shown.badge("off", _("paused"))
        if queue.paused_until is None:
            return badge
        end = shown.moment_and_age(queue.paused_until, short=True)
        until = format_html('{} <span class="jobs-quiet">{} {}</span>', badge, _("until"), end)
        return format_html("{} {}", until, queue_now.not_resumed(queue))

    @admin.display(description=_("pending"))
    def pending(self, queue: Queue) -> SafeString:
        return queue_now.count(queue, Status.PENDING)

    @admin.display(description=_("running"))
    def running(self, queue: Queue) -> SafeString:
        return queue_now.running(queue)

    @admin.display(description=_("later"))
    def later(self, queue: Queue) -> SafeString:
        return queue_now.later(queue)

    @admin.display(description=_("longest wait"))
    def oldest(self, queue: Queue) -> str:
        return queue_now.longest_wait(queue)

    @admin.display(description=_("jobs per minute"))
    def rate(self, queue: Queue) -> SafeString | str:
        return queue_now.rate(queue)

    @admin.display(description=_("empty in"))
    def drains_in(self, queue: Queue) -> SafeString | str:
        return queue_now.time_to_drain(queue)

    @admin.display(description=_("workers"))
    def served_by(self, queue: Queue) -> SafeString | str:
        return queue_now.workers(queue)

    @admin.display(description=_("last 24 hours"))
    def history(self, queue: Queue) -> SafeString | str:
        return queue_now.history(queue)

    @admin.display(description=_("jobs"))
    def figures(self, queue: Queue) -> SafeString:
        return queue_now.figures(queue)

    @admin.display(description=_("paused since"))
    def paused_since(self, queue: Queue) -> SafeString | str:
        return shown.moment_and_age(queue.paused_at)

    @admin.display(description=_("resumes"))
    def resumes(self, queue: Queue) -> SafeString | str:
        if not queue.is_paused:
            return shown.NOTHING
        if queue.paused_until is None:
            return str(_("when somebody resumes it"))
        return format_html(
            "{} {}", shown.moment_and_age(queue.paused_until), queue_now.not_resumed(queue)
        )

    # Operations

    def offered(self, obj: Queue) -> list[Button]:
        """The one that changes something."""
        return [RESUME if obj.is_paused else PAUSE]

    def buttons_context(self, request: HttpRequest, obj: Queue) -> dict[str, Any]:
        """With the form that says when a pause ends."""
        form = None if obj.is_paused else PauseForm()
        return super().buttons_context(request, obj) | {"pause_form": form}

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Write the limits that were changed."""
        limits = {name: form.cleaned_data[name] for name in form.changed_data if name != "reason"}
        reason = form.cleaned_data.get("reason", "")
        operations.limit_queue(obj.name, **limits, by=user_name(request), reason=reason)

    def press(self, request: HttpRequest, obj: Queue, button: Button, reason: str) -> None:
        """Pause or resume."""
        self._operate(request, [obj], button, reason)

    @admin.action(permissions=["pause"], description=_("Pause selected queues"))
    def pause(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Let nothing more be claimed from them."""
        self._act(request, PAUSE)

    @admin.action(permissions=["pause"], description=_("Resume selected queues"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Let them be claimed from again."""
        self._act(request, RESUME)

    def _act(self, request: HttpRequest, button: Button) -> None:
        # A name that nobody knows makes no row.
        known = queue_now.pictures(known_queues())
        names = dict.fromkeys(request.POST.getlist(ACTION_CHECKBOX_NAME))
        queues = [Queue(name=name) for name in names if name in known]
        allowed = self.only_allowed(request, button, queues)
        self._operate(request, allowed, button, reason_of(request))

    def _operate(
        self, request: HttpRequest, queues: Iterable[Queue], button: Button, reason: str
    ) -> None:
        form = PauseForm(request.POST)
        if button is PAUSE and not form.is_valid():
            self.message_user(request, form.told(), messages.ERROR)
            return
        who: dict[str, str] = {"by": user_name(request), "reason": reason}
        if button is PAUSE:
            until = form.end
            changed = [q.name for q in queues if operations.pause_queue(q.name, until=until, **who)]
            text = ngettext("%(count)d queue paused.", "%(count)d queues paused.", len(changed))
        else:
            changed = [q.name for q in queues if operations.resume_queue(q.name, **who)]
            text = ngettext("%(count)d queue resumed.", "%(count)d queues resumed.", len(changed))
        history.remember(request, Queue.objects.filter(pk__in=changed), button.noted(reason))
        self.message_user(request, text % {"count": len(changed)}, messages.SUCCESS)
