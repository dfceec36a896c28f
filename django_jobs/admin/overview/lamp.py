"""The picture beside the doctor's words: whoever loads it lets him look.

He asks more than a page may, so that the overview shows what he said last. When that is old, it has
this picture in it, which browsers fetch afterwards, also without JavaScript.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse

from django_jobs.admin.overview.light import SECONDS, Light, light
from django_jobs.permissions import may

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_jobs.admin.shared.addresses import Addresses

#: By condition; to be seen on white and on black, for a picture knows nothing of the page.
_COLOURS: Final = {"ok": "#2e8b57", "warn": "#c27c0e", "problem": "#d9394a"}

_PICTURE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
    '<circle cx="5" cy="5" r="5" fill="{}"/></svg>'
)


def lamp_url(seen: Light | None, addresses: Addresses) -> str:
    """Where the picture is; empty as long as what the doctor said is not old."""
    if seen is not None and not seen.is_old:
        return ""
    # Another one every minute: a live page loads the same picture only once.
    minute = str(int(time.time() // SECONDS))
    return addresses.find("django_jobs_overview_lamp", query={"minute": minute})


def lamp_view(request: HttpRequest) -> HttpResponse:
    """The picture."""
    if not may(request.user, "view_job"):
        raise PermissionDenied
    return HttpResponse(_PICTURE.format(_COLOURS[light().condition]), "image/svg+xml")
