"""Worker → processes → running jobs, and what is odd about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

import django_jobs
from django_jobs.admin.shared import job_links, shown, sight
from django_jobs.admin.shared.beside import Beside
from django_jobs.conf import config
from django_jobs.models import Job, Worker, WorkerProcess, WorkerState

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: Running jobs that a page lists, of one process and of all.
JOBS_OF_ONE: Final = 20
JOBS_OF_ALL: Final = 1000

#: Of a worker: the live one that started last, of all.
NEWEST: Final = Beside[Worker | None]("newest")
#: Of a process: what it runs, at most :data:`JOBS_OF_ALL`.
RUNNING: Final = Beside[list[Job]]("running")


def with_now(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """Rows with the time by the database's clock, by which heartbeats are written."""
    annotated: QuerySet[Any] = queryset.annotate(db_now=Now())
    return annotated


def grow(request: HttpRequest, workers: Sequence[Worker]) -> None:
    """Find the jobs that their processes run, and the newest release of all: two queries."""
    processes = [process for worker in workers for process in worker.processes.all()]
    jobs = _running(process.pk for process in processes)
    newest = _newest_live()
    for worker in workers:
        NEWEST.put(worker, newest)
        for process in worker.processes.all():
            RUNNING.put(process, sight.seen(request, jobs.get(process.pk, [])))


def _running(processes: Iterable[UUID]) -> dict[UUID, list[Job]]:
    held = Job.objects.running().filter(worker_process__in=list(processes))
    columns = ("id", "job_name", "queue", "worker_started_at", "worker_process")
    found: dict[UUID, list[Job]] = defaultdict(list)
    for job in with_now(held.order_by("worker_process").only(*columns))[:JOBS_OF_ALL]:
        found[job.worker_process].append(job)
    return found


def _newest_live() -> Worker | None:
    """The live worker that started last: where others differ from it, they are behind."""
    live = Worker.objects.exclude(state=WorkerState.STOPPED).filter(started_at__isnull=False)
    since = Now() - timedelta(seconds=config.LEASE)
    return live.filter(last_heartbeat_at__gte=since).order_by("-started_at").first()


def is_silent(row: Worker | WorkerProcess) -> bool:
    """Whether it owes a sign of life: none for longer than a lease.

    Of a process its worker writes: it is compared by the clock of the worker's row.
    """
    if row.last_heartbeat_at is None:
        return True
    return _now(row) - row.last_heartbeat_at > timedelta(seconds=config.LEASE)


def _now(row: Worker | WorkerProcess) -> datetime:
    worker: Any = row.worker if isinstance(row, WorkerProcess) else row
    now: datetime = worker.db_now
    return now


# Cells


def heartbeat(row: Worker | WorkerProcess) -> SafeString | str:
    """When it was last heard of."""
    if row.last_heartbeat_at is None:
        return shown.NOTHING
    ago = _("%(length)s ago") % {"length": shown.duration(_now(row) - row.last_heartbeat_at)}
    return format_html(
        '<span title="{}">{}</span>', row.last_heartbeat_at.isoformat(" ", "seconds"), ago
    )


def release(worker: Worker) -> SafeString | str:
    """The site's release and our version, with a warning where others are newer."""
    parts = [part for part in (worker.release, _version(worker.version)) if part]
    if not parts:
        return shown.NOTHING
    lines = format_html_join("", '<span class="jobs-line">{}</span>', ((part,) for part in parts))
    problem = _skew(worker)
    return format_html("{}{}", lines, shown.warning(problem)) if problem else lines


def _version(version: str) -> str:
    return f"django_jobs {version}" if version else ""


def _skew(worker: Worker) -> str:
    if worker.state == WorkerState.STOPPED or is_silent(worker):
        return ""
    newest = NEWEST.of(worker)
    if newest is not None and newest.release and newest.release != worker.release:
        return _("the newest worker runs %(release)s") % {"release": newest.release}
    if worker.version and worker.version != django_jobs.__version__:
        return _("this site runs %(version)s") % {"version": django_jobs.__version__}
    return ""


def processes(worker: Worker) -> SafeString | str:
    """Each process with its jobs."""
    found = list(worker.processes.all())
    if not found:
        return shown.NOTHING
    lines = ((_process(worker, process),) for process in found)
    return format_html('<ul class="jobs-tree">{}</ul>', format_html_join("", "<li>{}</li>", lines))


def _process(worker: Worker, process: WorkerProcess) -> SafeString:
    facts = [
        _("process %(pid)d") % {"pid": process.pid},
        process.host if process.host != worker.host else "",
        shown.megabytes(process.memory),
        _("up %(length)s") % {"length": shown.duration(_now(process) - process.started_at)},
    ]
    line = " · ".join(fact for fact in facts if fact)
    silent = ""
    if is_silent(process):
        silent = format_html("{} {}", shown.warning(_("silent")), heartbeat(process))
    return format_html("{} {} {}", line, silent, _jobs(process))


def _jobs(process: WorkerProcess) -> SafeString | str:
    jobs = RUNNING.of(process)
    if not jobs:
        return ""
    items = format_html_join("", "<li>{}</li>", ((_job(job),) for job in jobs[:JOBS_OF_ONE]))
    more = max(process.running_jobs, len(jobs)) - min(len(jobs), JOBS_OF_ONE)
    rest = format_html("<li>{}</li>", _("… and %(count)d more") % {"count": more})
    return format_html("<ul>{}{}</ul>", items, rest if more > 0 else "")


def _job(job: Any) -> SafeString:
    started = job.worker_started_at
    age = shown.duration(job.db_now - started) if started else shown.NOTHING
    return format_html(
        '<a href="{}">{}</a> <span class="jobs-quiet">{} · {}</span>',
        job_links.job_url(job.pk),
        shown.dotted(job.job_name),
        job.queue,
        age,
    )
