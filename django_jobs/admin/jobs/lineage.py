"""Where a job comes from, what it has enqueued, and what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from django_jobs.admin.shared import job_links, shown, sight
from django_jobs.admin.shared.addresses import address
from django_jobs.models import CronSlot, Job
from django_jobs.states import Status

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

    from django_jobs.models import CronJob

#: Children that the page lists.
CHILDREN_MAX: Final = 20
#: Marks the jobs that a schedule enqueued.
CRON_TAG: Final = "cron"


@dataclass
class Lineage:
    """The family of a job.

    Attributes:
        ancestors: links to the schedule and the job that enqueued it, the farthest first.
        children: links to the jobs that it enqueued.
        has_more: whether there are more of them.
        relatives_url: the list of all jobs that share its correlation id.
        subject: a link to the row it is about.
    """

    ancestors: list[SafeString]
    children: list[SafeString]
    has_more: bool
    relatives_url: str
    subject: SafeString | str

    @property
    def is_alone(self) -> bool:
        return not (self.ancestors or self.children or self.subject)


def lineage_of(job: Job, request: HttpRequest, site: AdminSite) -> Lineage:
    """Read it: one query for the children of a job that ran, one for the schedule of a cron job."""
    found = _children(job)
    children = sight.seen(request, found[:CHILDREN_MAX])
    correlation_id = job.correlation_id or (str(job.pk) if children else "")
    return Lineage(
        ancestors=[*_schedule(job), *_parent(job, request)],
        children=[_link(one.pk, one.job_name, one.status) for one in children],
        has_more=len(found) > CHILDREN_MAX,
        relatives_url=job_links.jobs_with("correlation", correlation_id) if correlation_id else "",
        subject=subject_link(job.subject, request, site),
    )


def cron_job_of(job: Job) -> CronJob | None:
    """The schedule that enqueued the job."""
    slots = CronSlot.objects.filter(cron_job__job_name=job.job_name, job_id=job.pk)
    slot = slots.select_related("cron_job").first()
    return None if slot is None else slot.cron_job


def subject_link(subject: str, request: HttpRequest, site: AdminSite) -> SafeString | str:
    """The row that a job is about, as far as the user may see it in this admin."""
    label, _colon, key = subject.partition(":")
    try:
        model: type[Model] = apps.get_model(label)
    except (LookupError, ValueError):
        return subject
    text = f"{model._meta.verbose_name} {key}"
    page = site._registry.get(model)
    if page is None or not page.has_view_permission(request):
        return text
    name = f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return format_html('<a href="{}">{}</a>', reverse(name, args=[quote(key)]), text)
    except NoReverseMatch:
        return text


def _schedule(job: Job) -> list[SafeString]:
    if CRON_TAG not in (job.tags or ()):
        return []
    cron_job = cron_job_of(job)
    if cron_job is None:
        return []
    url = address("django_jobs_cronjob_change", quote(cron_job.pk))
    kind = _("schedule")
    return [format_html('<a href="{}">{}</a> ({})', url, cron_job.name, kind)]


def _parent(job: Job, request: HttpRequest) -> list[SafeString]:
    name = getattr(job, "parent_job_name", None)
    if job.parent_id is None:
        return []
    if name is None:
        return [format_html('<span class="jobs-quiet">{} ({})</span>', job.parent_id, _("deleted"))]
    if not sight.sees_kind(request, name, getattr(job, "parent_queue", "")):
        return []
    return [_link(job.parent_id, name, getattr(job, "parent_status", ""))]


def _children(job: Job) -> list[Job]:
    if not job.attempt_count and job.status != Status.RUNNING:
        return []  # only a job that runs enqueues others
    children = Job.objects.children_of(job.pk).order_by("pk")
    return list(children.only("pk", "job_name", "queue", "status")[: CHILDREN_MAX + 1])


def _link(job_id: Any, name: str, status: str) -> SafeString:
    url = job_links.job_url(job_id)
    label = Status(status).label if status in Status.values else status
    return format_html('<a href="{}">{}</a> {}', url, name, shown.badge(status, label))
