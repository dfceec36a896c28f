"""An empty picture: whoever loads it lets the doctor look.

He asks more than a page may, so that pages show what he said last. When that is old, they have this
picture in them, which browsers fetch afterwards, also without JavaScript. It shows nothing of what
he finds: it would contradict the words beside it, which are older.
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

_PICTURE: Final = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'


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
    light()
    return HttpResponse(_PICTURE, "image/svg+xml")
