"""Tags of our admin pages, and ``{% jobs_box %}`` for pages of the site.

Django imports this module in every project, with an admin or without: what needs the admin is
imported by the tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.template.context import Context

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

    from django_jobs.admin.shared.navigation import Link

register = template.Library()


@register.simple_tag(takes_context=True)
def jobs_links(context: Context) -> list[Link]:
    """The pages of django_jobs that the user may see, for the navigation."""
    from django_jobs.admin.shared.navigation import links_of

    request = _request(context)
    return [] if request is None else links_of(request)


@register.inclusion_tag("admin/django_jobs/overview/overview.html", takes_context=True)
def jobs_overview(context: Context) -> dict[str, Any]:
    """The overview; nothing for a user who may not see jobs."""
    from django_jobs.admin import overview

    request = _request(context)
    if request is None or not overview.may_see(request):
        return {}
    return overview.context_of(request)


@register.inclusion_tag("admin/django_jobs/overview/box.html", takes_context=True)
def jobs_box(context: Context) -> dict[str, Any]:
    """How the jobs do, in one sentence and some numbers, with a link to the overview.

    For the front page of an admin. Nothing for a user who may not see jobs.
    """
    from django_jobs.admin import overview

    request = _request(context)
    if request is None or not overview.may_see(request):
        return {}
    return {"box": overview.box_of(request)}


@register.simple_block_tag(takes_context=True)
def jobs_labelled(context: Context, content: SafeString) -> SafeString:
    """The list inside it with its headings at each cell."""
    from django_jobs.admin.shared.labelled_cells import labelled

    return labelled(context["cl"], content)


def _request(context: Context) -> HttpRequest | None:
    request: HttpRequest | None = getattr(context, "request", None) or context.get("request")
    return request
