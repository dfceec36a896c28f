"""What people did to one job, from the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import router

from django_jobs.admin.shared import shown
from django_jobs.models import Job, JobAudit
from django_jobs.permissions import may

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

#: Entries that the page shows, the newest.
ENTRIES_MAX: Final = 10


@dataclass
class Entry:
    """One thing that somebody did."""

    entry: JobAudit

    @property
    def at(self) -> SafeString | str:
        return shown.moment(self.entry.at)


def audit_of(job: Job, request: HttpRequest) -> list[Entry]:
    """The newest entries about the job alone, for who may see the audit."""
    if not may(request.user, "view_jobaudit", job_name=job.job_name, queue=job.queue):
        return []
    entries = JobAudit.objects.using(router.db_for_write(JobAudit)).filter(target=str(job.pk))
    return [Entry(entry) for entry in entries.order_by("-at", "-id")[:ENTRIES_MAX]]
