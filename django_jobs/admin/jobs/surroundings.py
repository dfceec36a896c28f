"""Where the page of a job leads: its queue, the worker that runs it, failures like its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.utils import quote
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs.admin.shared import shown, sight
from django_jobs.admin.shared.addresses import address
from django_jobs.models import FailureGroup, Job, WorkerProcess
from django_jobs.states import Status

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString


def with_surroundings(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs that know them, by keys and in the statement that reads the jobs.

    Sets ``worker_name``, ``worker_host``, ``worker_pid`` and ``failures_alike``.
    """
    process = WorkerProcess.objects.filter(pk=OuterRef("worker_process"))
    alike = FailureGroup.objects.filter(pk=OuterRef("fingerprint"))
    return jobs.annotate(
        worker_name=Subquery(process.values("worker__name")),
        worker_host=Subquery(process.values("host")),
        worker_pid=Subquery(process.values("pid")),
        failures_alike=Subquery(alike.values("count")),
    )


def queue_link(job: Job, request: HttpRequest) -> SafeString | str:
    """The queue; a link for those who may see it."""
    return _link("queue", job.queue, request)


def worker_link(job: Job, request: HttpRequest) -> SafeString | str:
    """The worker that runs the job, and which of its processes; nothing if it does not run."""
    name = getattr(job, "worker_name", None)
    if job.status != Status.RUNNING or not name:
        return ""
    where = _("process %(pid)d on %(host)s") % {
        "pid": getattr(job, "worker_pid", 0),
        "host": getattr(job, "worker_host", ""),
    }
    link = _link("worker", name, request)
    return format_html('{} <span class="jobs-quiet">{}</span>', link, where)


def failures_link(job: Job, request: HttpRequest) -> SafeString | str:
    """All failures of this kind; nothing as long as no worker has written them down."""
    seen = getattr(job, "failures_alike", None)
    if seen is None or not sight.sees(request, job.job_name):
        return ""
    text = ngettext("failed like this %(count)s time", "failed like this %(count)s times", seen)
    url = address("django_jobs_failuregroup_change", quote(job.fingerprint))
    return format_html('<a href="{}">{}</a>', url, text % {"count": shown.number(seen)})


def _link(kind: str, name: str, request: HttpRequest) -> SafeString | str:
    url = address(f"django_jobs_{kind}_change", quote(name))
    if not url or not request.user.has_perm(f"django_jobs.view_{kind}"):
        return name
    return format_html('<a href="{}">{}</a>', url, name)
