"""“Why is it not running?” on the page of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.admin.utils import quote
from django.utils.translation import gettext as _

from django_jobs.admin.shared import job_links
from django_jobs.admin.shared.addresses import address
from django_jobs.diagnosis import About, Code, Reason, why_not_running
from django_jobs.models import Job
from django_jobs.states import WAITING, Status

if TYPE_CHECKING:
    from django.http import HttpRequest

#: What a running job's page need not say.
_OBVIOUS: Final = frozenset({Code.RUNNING})


@dataclass(frozen=True)
class Explanation:
    """A reason with its link."""

    reason: Reason
    url: str
    link: str


@dataclass(frozen=True)
class Why:
    """The section: a question and its answers."""

    title: str
    explanations: list[Explanation]


def why(job: Job, request: HttpRequest) -> Why | None:
    """What the page says about it; nothing about a job that simply runs or ended well."""
    if job.status == Status.COMPLETED:
        return None
    try:
        reasons = why_not_running(job)
    except Job.DoesNotExist:  # deleted a moment ago
        return None
    told = [_explained(reason, job, request) for reason in reasons if reason.code not in _OBVIOUS]
    return Why(_title(job), told) if told else None


def _title(job: Job) -> str:
    if job.status in WAITING:
        return _("Why is it not running?")
    return _("Why is it still running?") if job.status == Status.RUNNING else _("How it ended")


def _explained(reason: Reason, job: Job, request: HttpRequest) -> Explanation:
    if reason.code == Code.IN_LINE:
        url = job_links.jobs_url(queue=job.queue, status=Status.PENDING)
        return Explanation(reason, url, _("Show the queue's pending jobs"))
    if reason.about is None or not _may_look(reason.about, request):
        return Explanation(reason, "", "")
    return Explanation(reason, _url(reason.about), _label(reason.about))


def _may_look(about: About, request: HttpRequest) -> bool:
    return bool(request.user.has_perm(f"django_jobs.view_{about.kind}"))


def _url(about: About) -> str:
    if not about.key:
        return address(f"django_jobs_{about.kind}_changelist")
    return address(f"django_jobs_{about.kind}_change", quote(about.key))


def _label(about: About) -> str:
    if about.kind == "queue":
        return _("Open the queue")
    return _("Open the worker") if about.key else _("Open the workers")
