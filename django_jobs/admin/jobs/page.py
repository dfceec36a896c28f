"""What the page of one job shows besides its columns; fetched again until the job ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils.html import format_html
from django.utils.translation import gettext as _

from django_jobs.admin.jobs.audit import audit_of
from django_jobs.admin.jobs.lineage import lineage_of
from django_jobs.admin.jobs.phases import phases_of
from django_jobs.admin.jobs.surroundings import failures_link, queue_link, worker_link
from django_jobs.admin.jobs.timeline import timeline_of
from django_jobs.admin.jobs.why import why
from django_jobs.admin.shared import payload, shown
from django_jobs.models import Job
from django_jobs.names import BUILT_IN
from django_jobs.registry import registry
from django_jobs.states import DELAYED, WAITING, Status

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: From this progress on, and after this time, the rest is estimated, if it is within reason.
ETA_FROM: Final = 5
_ETA_AFTER: Final = timedelta(seconds=2)
_ETA_LONGEST: Final = timedelta(days=7)


def status_badge(job: Job) -> SafeString:
    """The status in its colour."""
    return shown.badge(job.status, job.get_status_display())


def progress(job: Job) -> SafeString | str:
    """The bar of a job that began."""
    has_begun = job.progress > 0 or job.status == Status.RUNNING
    return shown.progress_bar(job.progress) if has_begun else shown.NOTHING


def attempts(job: Job) -> SafeString | str:
    """Attempts, and the failures that count against the limit."""
    if not job.failure_count:
        return str(job.attempt_count)
    failures = _("%(count)d of %(maximum)d failed") % {
        "count": job.failure_count,
        "maximum": job.max_attempts,
    }
    return format_html('{} <span class="jobs-quiet">{}</span>', job.attempt_count, failures)


def duration(job: Job) -> str:
    """How long the latest attempt ran, or has been running."""
    if job.worker_started_at is None:
        return shown.NOTHING
    if job.completed_at is not None:
        return shown.duration(job.completed_at - job.worker_started_at)
    if job.status == Status.RUNNING:
        return shown.duration(shown.now_like(job.worker_started_at) - job.worker_started_at)
    return shown.NOTHING


def time_left(job: Job) -> timedelta | None:
    """How much longer the attempt will run if it goes on as it did; ``None`` if nobody can tell."""
    if job.status != Status.RUNNING or job.worker_started_at is None:
        return None
    ran = _observed(job) - job.worker_started_at
    if not ETA_FROM <= job.progress < 100 or ran < _ETA_AFTER:
        return None
    left = ran * (100 - job.progress) / job.progress
    return left if left <= _ETA_LONGEST else None


def page_context(job: Job, request: HttpRequest, site: AdminSite) -> dict[str, Any]:
    """What the templates under ``job/`` need; without payload, no word of what it said."""
    with_payload = payload.may_see(request)
    timeline = timeline_of(job, with_payload)
    return {
        "job": job,
        "jobs_status": status_badge(job),
        "jobs_progress": _known(progress(job)),
        "jobs_facts": shown.facts(_facts(job, request)),
        # Of a job of ours it says how many jobs it did.
        "jobs_message": job.progress_message if with_payload or job.job_name in BUILT_IN else "",
        "jobs_error_line": shown.error_line(job.error) if with_payload else "",
        "jobs_alike": failures_link(job, request),
        "jobs_error_is_old": job.status not in (Status.FAILED, Status.DISCARDED),
        # Of a waiting job it is among the reasons why it does not run.
        "jobs_is_unknown": not registry.has(job.job_name) and job.status not in WAITING,
        "jobs_timeline": timeline,
        "jobs_phases": phases_of(job, timeline.moves, _observed(job)),
        "jobs_why": why(job, request),
        "jobs_lineage": lineage_of(job, request, site),
        "jobs_audit": audit_of(job, request),
    }


def _facts(job: Job, request: HttpRequest) -> list[tuple[str, Any]]:
    """Label and value; those without a value are left out."""
    running = job.status == Status.RUNNING
    return [
        (_("Queue"), queue_link(job, request)),
        (_("Worker"), worker_link(job, request)),
        (_("Attempts"), job.attempt_count),
        (
            _("Failures"),
            _("%(count)d of %(maximum)d")
            % {"count": job.failure_count, "maximum": job.max_attempts},
        ),
        (_("Crashes"), job.crash_count),
        (_("Waiting for"), _waiting(job)),
        (_("Next try") if job.status == Status.RETRYING else _("Due"), _due(job)),
        (_("Running for") if running else _("Duration"), _known(duration(job))),
        (_("Ready in about"), _eta(job)),
        (_("Lease until"), _lease(job) if running else ""),
        (_("Ended"), shown.moment_and_age(job.completed_at) if job.completed_at else ""),
        (_("Asked to stop"), _asked(job)),
    ]


def _eta(job: Job) -> str:
    left = None if _is_lost(job) else time_left(job)
    return "" if left is None else shown.duration(left)


def _is_lost(job: Job) -> bool:
    expires = job.worker_expires_at
    return expires is not None and expires <= shown.now_like(expires)


def _lease(job: Job) -> SafeString | str:
    at = shown.moment_and_age(job.worker_expires_at)
    if not _is_lost(job):
        return at
    return format_html("{} {}", at, shown.warning(_("expired: its worker was lost")))


def _waiting(job: Job) -> str:
    if job.status != Status.PENDING:
        return ""
    return shown.duration(shown.now_like(job.scheduled_for) - job.scheduled_for)


def _due(job: Job) -> SafeString | str:
    return shown.moment_and_age(job.scheduled_for) if job.status in DELAYED else ""


def _asked(job: Job) -> SafeString | str:
    return "" if job.cancel_requested_at is None else shown.moment_and_age(job.cancel_requested_at)


def _known(text: SafeString | str) -> SafeString | str:
    return "" if text == shown.NOTHING else text


def _observed(job: Job) -> datetime:
    """When it was read, by the database's clock if that was asked for."""
    seen: datetime | None = getattr(job, "observed_at", None)
    return shown.now_like(job.created_at) if seen is None else seen
