"""Workers: what they serve, whether they are alive, and what they were told."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin, messages
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobs import operations
from django_jobs.admin import history, shown
from django_jobs.admin.bases import ReadOnlyAdmin, ReadOnlyInline
from django_jobs.admin.buttons import Button, ButtonsAdmin
from django_jobs.conf import config
from django_jobs.models import DesiredState, Worker, WorkerProcess, WorkerState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

RUN: Final = Button("run", _("Run"), "manage", takes_reason=False)
DRAIN: Final = Button("drain", _("Drain"), "manage", takes_reason=False)
STOP: Final = Button("stop", _("Stop"), "manage", takes_reason=False)
#: Button → what the worker is told.
DESIRED: Final = {RUN: DesiredState.RUN, DRAIN: DesiredState.DRAIN, STOP: DesiredState.STOP}


def is_silent(row: Worker | WorkerProcess) -> bool:
    """Whether it owes a sign of life: none for longer than a lease."""
    if row.last_heartbeat_at is None:
        return True
    return _now(row) - row.last_heartbeat_at > timedelta(seconds=config.LEASE)


def _now(row: Worker | WorkerProcess) -> datetime:
    """The database's time, by whose clock heartbeats are written."""
    now: datetime = row.db_now  # type: ignore[union-attr]
    return now


def _with_now(queryset: QuerySet[Any]) -> QuerySet[Any]:
    now = ExpressionWrapper(Now(), output_field=DateTimeField())
    annotated: QuerySet[Any] = queryset.annotate(db_now=now)
    return annotated


def _heartbeat(row: Worker | WorkerProcess) -> SafeString | str:
    if row.last_heartbeat_at is None:
        return shown.NOTHING
    ago = _("%(length)s ago") % {"length": shown.duration(_now(row) - row.last_heartbeat_at)}
    return format_html(
        '{} <span class="jobs-quiet">{}</span>', ago, shown.moment(row.last_heartbeat_at)
    )


class ProcessInline(ReadOnlyInline[WorkerProcess, Worker]):
    """The live processes of a worker."""

    model = WorkerProcess
    verbose_name_plural = _("processes")
    fields = ("pid", "host", "memory_shown", "running_jobs", "started", "heartbeat")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkerProcess]:
        """With the database's time."""
        return _with_now(super().get_queryset(request))

    @admin.display(description=_("memory"))
    def memory_shown(self, process: WorkerProcess) -> str:
        return shown.megabytes(process.memory)

    @admin.display(description=_("started at"))
    def started(self, process: WorkerProcess) -> SafeString | str:
        return shown.moment(process.started_at)

    @admin.display(description=_("last heartbeat"))
    def heartbeat(self, process: WorkerProcess) -> SafeString | str:
        text = _heartbeat(process)
        silent = shown.warning(_("silent")) if is_silent(process) else ""
        return format_html("{} {}", text, silent)


@admin.register(Worker)
class WorkerAdmin(ButtonsAdmin[Worker], ReadOnlyAdmin[Worker]):
    """Drain, stop and run."""

    buttons = (RUN, DRAIN, STOP)
    inlines = (ProcessInline,)
    list_display = (
        "name",
        "state_shown",
        "desired_state",
        "queues_shown",
        "processes_shown",
        "running_jobs",
        "memory_shown",
        "heartbeat",
        "host",
        "version",
    )
    sortable_by = ()
    actions = ("run", "drain", "stop")
    fieldsets = (
        (None, {"fields": ("name", "state_shown", "desired_state", "queues_shown")}),
        (_("Where and when"), {"fields": ("host", "version", "started", "heartbeat")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        """With processes and the database's time."""
        return _with_now(super().get_queryset(request)).prefetch_related("processes")

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """May drain, stop and run."""
        return bool(request.user.has_perm("django_jobs.manage_worker"))

    def has_delete_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        """Whoever may delete workers, once they are gone."""
        allowed: bool = request.user.has_perm("django_jobs.delete_worker")
        return allowed and (obj is None or _is_gone(obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Refuse to delete workers that live."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return (
            deleted,
            counts,
            lacking,
            [*protected, *(str(row) for row in objs if not _is_gone(row))],
        )

    # Columns

    @admin.display(description=_("state"))
    def state_shown(self, worker: Worker) -> SafeString:
        if worker.state != WorkerState.STOPPED and is_silent(worker):
            return shown.warning(_("silent"))
        return shown.badge(f"worker-{worker.state}", worker.get_state_display())

    @admin.display(description=_("queues"))
    def queues_shown(self, worker: Worker) -> str:
        return ", ".join(f"{name}:{number}" for name, number in (worker.queues or {}).items())

    @admin.display(description=_("processes"))
    def processes_shown(self, worker: Worker) -> int:
        return len(worker.processes.all())

    @admin.display(description=_("running jobs"))
    def running_jobs(self, worker: Worker) -> int:
        return sum(process.running_jobs for process in worker.processes.all())

    @admin.display(description=_("memory"))
    def memory_shown(self, worker: Worker) -> str:
        return shown.megabytes(sum(process.memory for process in worker.processes.all()))

    @admin.display(description=_("started at"))
    def started(self, worker: Worker) -> SafeString | str:
        return shown.moment(worker.started_at)

    @admin.display(description=_("last heartbeat"))
    def heartbeat(self, worker: Worker) -> SafeString | str:
        return _heartbeat(worker)

    # Operations

    def offered(self, obj: Worker) -> list[Button]:
        """What it was not told already."""
        return [button for button in self.buttons if DESIRED[button] != obj.desired_state]

    def press(self, request: HttpRequest, obj: Worker, button: Button, reason: str) -> None:
        """Tell one worker."""
        self._tell(request, [obj], button)

    @admin.action(permissions=["manage"], description=_("Tell selected workers to run"))
    def run(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Claim jobs again."""
        self._tell(request, queryset, RUN)

    @admin.action(permissions=["manage"], description=_("Drain selected workers"))
    def drain(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Claim nothing new."""
        self._tell(request, queryset, DRAIN)

    @admin.action(permissions=["manage"], description=_("Stop selected workers"))
    def stop(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Finish and exit."""
        self._tell(request, queryset, STOP)

    def _tell(self, request: HttpRequest, workers: Iterable[Worker], button: Button) -> None:
        told = [
            worker
            for worker in workers
            if operations.set_desired_state(worker.name, DESIRED[button])
        ]
        history.remember(request, told, str(button.label))
        text = ngettext(
            "%(count)d worker told: %(what)s. It obeys at its next heartbeat.",
            "%(count)d workers told: %(what)s. They obey at their next heartbeats.",
            len(told),
        )
        values = {"count": len(told), "what": button.label}
        self.message_user(request, text % values, messages.SUCCESS)


def _is_gone(worker: Worker) -> bool:
    return worker.state == WorkerState.STOPPED or is_silent(worker)
