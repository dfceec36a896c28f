"""Workers: what they serve, whether they are alive, and what they were told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin, messages
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_jobs import operations
from django_jobs.admin.forms.reasons import ReasonActionForm
from django_jobs.admin.shared import history, shown
from django_jobs.admin.shared.bases import PlainChangeList, ReadOnlyAdmin, user_name
from django_jobs.admin.shared.buttons import Button, ButtonsAdmin, reason_of
from django_jobs.admin.workers import tree as worker_tree
from django_jobs.admin.workers.tree import is_silent
from django_jobs.auditing import audit
from django_jobs.models import AuditAction, DesiredState, Worker, WorkerState
from django_jobs.permissions import may

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

RUN: Final = Button("run", _("Run"), "manage")
DRAIN: Final = Button("drain", _("Drain"), "manage")
STOP: Final = Button("stop", _("Stop"), "manage")
REPLACE: Final = Button("replace", _("Replace processes"), "manage")
#: Button → what the worker is told.
DESIRED: Final = {RUN: DesiredState.RUN, DRAIN: DesiredState.DRAIN, STOP: DesiredState.STOP}


class WorkerChangeList(PlainChangeList):
    """By host, with the jobs that run."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Those of one host together."""
        return ["host", "name"]

    def get_results(self, request: HttpRequest) -> None:
        """With what the processes run, and what is odd about releases."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        worker_tree.grow(request, self.result_list)


@admin.register(Worker)
class WorkerAdmin(ButtonsAdmin[Worker], ReadOnlyAdmin[Worker]):
    """Run, drain, stop, replace."""

    change_list = WorkerChangeList
    when_empty = _("No worker is running: no job will. Start one with “manage.py runjobs”.")
    buttons = (RUN, DRAIN, STOP, REPLACE)
    list_display = (
        "name",
        "host",
        "state_shown",
        "processes_shown",
        "load",
        "heartbeat",
        "release_shown",
        "queues_shown",
    )
    list_display_links = ("name",)
    sortable_by = ()
    action_form = ReasonActionForm
    actions = ("run", "drain", "stop", "replace")
    fieldsets = (
        (None, {"fields": ("name", "state_shown", "queues_shown")}),
        (_("Where and when"), {"fields": ("host", "release_shown", "started", "heartbeat")}),
        (_("Processes"), {"fields": ("load", "processes_shown")}),
    )
    readonly_fields = (
        "name",
        "host",
        "state_shown",
        "queues_shown",
        "release_shown",
        "started",
        "heartbeat",
        "processes_shown",
        "load",
    )

    class Media:
        css: ClassVar = {"all": ["django_jobs/queues.css"]}

    # Who may

    def has_manage_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        """May run, drain, stop and replace: it must be so for every queue that the worker serves.

        A site's own rules may except queues.
        """
        return _may(request, "manage_worker", obj)

    def may(self, request: HttpRequest, button: Button, obj: Worker | None = None) -> bool:
        """Whether the user may press it."""
        return self.has_manage_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Worker | None = None) -> bool:
        """Whoever may delete workers, once they are gone."""
        return _may(request, "delete_worker", obj) and (obj is None or _is_gone(obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """Refuse to delete workers that live."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return (
            deleted,
            counts,
            lacking,
            [*protected, *(str(row) for row in objs if not _is_gone(row))],
        )

    def delete_model(self, request: HttpRequest, obj: Worker) -> None:
        """Delete one."""
        audit(AuditAction.DELETE, by=user_name(request), target=obj.name)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Delete those that were chosen in the list."""
        for name in queryset.values_list("name", flat=True):
            audit(AuditAction.DELETE, by=user_name(request), target=name)
        super().delete_queryset(request, queryset)

    # Rows

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        """With processes and the database's time."""
        return worker_tree.with_now(super().get_queryset(request)).prefetch_related("processes")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Worker | None:
        """A worker with what its processes run."""
        worker = super().get_object(request, object_id, from_field)
        if worker is not None:
            worker_tree.grow(request, [worker])
        return worker

    # Columns

    @admin.display(description=_("state"))
    def state_shown(self, worker: Worker) -> SafeString:
        if worker.state != WorkerState.STOPPED and is_silent(worker):
            state = shown.warning(_("silent"))
        else:
            state = shown.badge(f"worker-{worker.state}", worker.get_state_display())
        if worker.desired_state == DesiredState.RUN or worker.state == WorkerState.STOPPED:
            return state
        told = _("told to: %(what)s") % {"what": worker.get_desired_state_display()}
        return format_html('{} <span class="jobs-line jobs-quiet">{}</span>', state, told)

    @admin.display(description=_("queues"))
    def queues_shown(self, worker: Worker) -> str:
        return ", ".join(f"{name}:{number}" for name, number in (worker.queues or {}).items())

    @admin.display(description=_("processes and their jobs"))
    def processes_shown(self, worker: Worker) -> SafeString | str:
        return worker_tree.processes(worker)

    @admin.display(description=_("load"))
    def load(self, worker: Worker) -> str:
        processes = worker.processes.all()
        numbers = {"count": sum(process.running_jobs for process in processes)}
        # Each process has them all.
        numbers["slots"] = len(processes) * sum(
            number for number in (worker.queues or {}).values() if isinstance(number, int)
        )
        text = ngettext(
            "%(count)d of %(slots)d job", "%(count)d of %(slots)d jobs", numbers["slots"]
        )
        jobs = text % numbers
        memory = sum(process.memory for process in processes)
        return f"{jobs}, {shown.megabytes(memory)}" if memory else jobs

    @admin.display(description=_("started at"))
    def started(self, worker: Worker) -> SafeString | str:
        return shown.moment_and_age(worker.started_at)

    @admin.display(description=_("last heartbeat"))
    def heartbeat(self, worker: Worker) -> SafeString | str:
        return worker_tree.heartbeat(worker)

    @admin.display(description=_("release"))
    def release_shown(self, worker: Worker) -> SafeString | str:
        return worker_tree.release(worker)

    # Operations

    def offered(self, obj: Worker) -> list[Button]:
        """What it was not told already."""
        return [button for button in self.buttons if DESIRED.get(button) != obj.desired_state]

    def press(self, request: HttpRequest, obj: Worker, button: Button, reason: str) -> None:
        """Tell one worker."""
        self._tell(request, [obj], button, reason)

    @admin.action(permissions=["manage"], description=_("Tell selected workers to run"))
    def run(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Claim jobs again."""
        self._act(request, queryset, RUN)

    @admin.action(permissions=["manage"], description=_("Drain selected workers"))
    def drain(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Claim nothing new."""
        self._act(request, queryset, DRAIN)

    @admin.action(permissions=["manage"], description=_("Stop selected workers"))
    def stop(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """Finish and exit."""
        self._act(request, queryset, STOP)

    @admin.action(permissions=["manage"], description=_("Replace processes of selected workers"))
    def replace(self, request: HttpRequest, queryset: QuerySet[Worker]) -> None:
        """End the processes after their jobs and start others."""
        self._act(request, queryset, REPLACE)

    def _act(self, request: HttpRequest, workers: Iterable[Worker], button: Button) -> None:
        allowed = self.only_allowed(request, button, workers)
        self._tell(request, allowed, button, reason_of(request))

    def _tell(
        self, request: HttpRequest, workers: Iterable[Worker], button: Button, reason: str
    ) -> None:
        by = user_name(request)
        told = [worker for worker in workers if _told(worker, button, by, reason)]
        history.remember(request, told, button.noted(reason))
        text = ngettext(
            "%(count)d worker told: %(what)s. It obeys at its next heartbeat.",
            "%(count)d workers told: %(what)s. They obey at their next heartbeats.",
            len(told),
        )
        values = {"count": len(told), "what": button.label}
        self.message_user(request, text % values, messages.SUCCESS)


def _told(worker: Worker, button: Button, by: str, reason: str) -> bool:
    if button is REPLACE:
        return operations.replace_processes(worker.name, by=by, reason=reason)
    return operations.set_desired_state(worker.name, DESIRED[button], by=by, reason=reason)


def _may(request: HttpRequest, permission: str, worker: Worker | None) -> bool:
    queues = (worker.queues or {}) if worker is not None else {}
    return may(request.user, permission) and all(
        may(request.user, permission, queue=queue) for queue in queues
    )


def _is_gone(worker: Worker) -> bool:
    return worker.state == WorkerState.STOPPED or is_silent(worker)
