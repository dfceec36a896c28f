"""Who sees what jobs were given, returned and said, and what of it.

Without the permission nothing of it is read. With it, what is secret stays masked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_jobs.admin.shared import shown
from django_jobs.redaction import redactor_of

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_jobs.models import CronJob, Job

PERMISSION: Final = "django_jobs.view_job_payload"


def may_see(request: HttpRequest) -> bool:
    """Whether the user may see parameters, results, errors and log lines."""
    return bool(request.user.has_perm(PERMISSION))


def needed() -> str:
    """What stands in their place for everybody else."""
    return _("You need the permission %(permission)s to see this.") % {"permission": PERMISSION}


def params(row: Job | CronJob) -> SafeString | str:
    """What the job is given, as a page may show it."""
    return shown.pretty_json(masked_params(row))


def masked_params(row: Job | CronJob) -> Any:
    """The same as JSON."""
    return redactor_of(row.job_name, row.params).data(row.params)


def result(job: Job) -> SafeString | str:
    """What the job returned, without what it was given in secret either."""
    return shown.pretty_json(redactor_of(job.job_name, job.params).data(job.result))
