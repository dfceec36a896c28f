"""The row of links above all our pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_jobs.admin.shared.addresses import Addresses

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Label, name of the address, and the models of which one must be visible.
_PAGES: Final = (
    (_("Jobs"), "django_jobs_job_changelist", ("job",)),
    (_("Failures"), "django_jobs_failuregroup_changelist", ("failuregroup", "job")),
    (_("Queues"), "django_jobs_queue_changelist", ("queue",)),
    (_("Workers"), "django_jobs_worker_changelist", ("worker",)),
    (_("Cron"), "django_jobs_cronjob_changelist", ("cronjob",)),
    (_("Catalogue"), "django_jobs_catalogue", ("job",)),
    (_("Audit"), "django_jobs_jobaudit_changelist", ("jobaudit",)),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A page.

    Attributes:
        label: its name.
        url: its address.
        is_current: whether the user is there, or below it.
    """

    label: str | Promise
    url: str
    is_current: bool


def links_of(request: HttpRequest) -> list[Link]:
    """The pages that this site has and the user may see."""
    addresses = Addresses.of(request)
    found = [(_("Overview"), addresses.overview())]
    found += [
        (label, addresses.find(name))
        for label, name, models in _PAGES
        if any(_may_view(request, model) for model in models)
    ]
    # Some pages lie below others, and all of them below the overview.
    here = max((url for _label, url in found if request.path.startswith(url)), key=len, default="")
    return [Link(label, url, url == here) for label, url in found if url]


def _may_view(request: HttpRequest, model: str) -> bool:
    """As Django's admin has it: whoever may change something may see it."""
    user = request.user
    return any(user.has_perm(f"django_jobs.{act}_{model}") for act in ("view", "change"))
