"""Addresses of our pages on the admin site that shows the current one."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

from django.contrib.admin.utils import quote
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest

View = Callable[..., HttpResponseBase]

#: The admin site of the page that is being made, for columns: they know of no request.
_site: ContextVar[str | None] = ContextVar("django_jobs_admin_site", default=None)


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

    @classmethod
    def beside(cls, site: str) -> Self:
        """Those of a site, or of the first one if that site does not show the jobs."""
        return cls(site) if cls(site).jobs() else cls()

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

    def job(self, job_id: UUID) -> str:
        """The page of a job."""
        return self.find("django_jobs_job_change", quote(job_id))

    def jobs(self, **query: str) -> str:
        """The list of jobs, filtered."""
        return self.find("django_jobs_job_changelist", query=query)

    def page(self, model: str) -> str:
        """The list of another model."""
        return self.find(f"django_jobs_{model}_changelist")


def here() -> Addresses:
    """Those of the admin site whose page is being made."""
    return Addresses(_site.get())


def address(name: str, *args: object, query: dict[str, str] | None = None) -> str:
    """The address of a page on the admin site whose page is being made."""
    return here().find(name, *args, query=query)


def on_site(name: str, view: View) -> View:
    """A view for whose pages, until they are rendered, :func:`address` means this admin site."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        _site.set(name)
        try:
            answer = view(request, *args, **kwargs)
        except BaseException:
            _site.set(None)
            raise
        if isinstance(answer, SimpleTemplateResponse) and not answer.is_rendered:
            answer.add_post_render_callback(_forget)
        else:
            _site.set(None)
        return answer

    return run


def _forget(answer: object) -> None:
    _site.set(None)
