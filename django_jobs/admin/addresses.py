"""Addresses of our pages on the admin site that shows the current one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Addresses:
    """A site may leave out pages, or have several admins: what is not there has no address.

    Attributes:
        site: the name of the admin site; ``None`` for the first.
    """

    site: str | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Those of the site that answers the request."""
        match = request.resolver_match
        return cls(getattr(request, "current_app", None) or (match.namespace if match else None))

    def find(self, name: str, *args: object, query: dict[str, str] | None = None) -> str:
        """The address of a page by its name, without ``admin:``; empty if there is none."""
        try:
            url = reverse(f"admin:{name}", args=args, current_app=self.site)
        except NoReverseMatch:
            return ""
        return f"{url}?{urlencode(query)}" if query else url

    def overview(self, **query: str) -> str:
        """The overview."""
        return self.find("app_list", "django_jobs", query=query)

    def jobs(self, **query: str) -> str:
        """The list of jobs, filtered."""
        return self.find("django_jobs_job_changelist", query=query)

    def page(self, model: str) -> str:
        """The list of another model."""
        return self.find(f"django_jobs_{model}_changelist")
