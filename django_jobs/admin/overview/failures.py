"""The failures that came most often, by their fingerprint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from django.utils.translation import ngettext

from django_jobs import stats
from django_jobs.admin.overview import words
from django_jobs.admin.shared import sight
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.models import OPEN_FAILURES

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Groups that are shown.
GROUPS_MAX: Final = 5
#: Groups that are read: a site's own rules may hide some of them.
_READ: Final = 50


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A group of failures.

    Attributes:
        job_name: of the job.
        exception_type: what was raised.
        count: how many times in the range of the chart.
        url: its page.
    """

    job_name: str
    exception_type: str
    count: str
    url: str


def top_failures(request: HttpRequest, since: datetime, addresses: Addresses) -> list[FailureRow]:
    """The groups that failed most often since then, of those that nobody has settled."""
    hour = since.replace(minute=0, second=0, microsecond=0)
    return [
        FailureRow(
            job_name=group.job_name,
            exception_type=group.exception_type,
            count=ngettext("%(count)s time", "%(count)s times", count)
            % {"count": words.number(count)},
            url=addresses.find("django_jobs_failuregroup_change", group.pk),
        )
        for group, count in stats.top_failures(hour, _READ, states=OPEN_FAILURES)
        if sight.sees(request, group.job_name)
    ][:GROUPS_MAX]
