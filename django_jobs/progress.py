"""The progress of one job for a site's own pages: an address that its holder may ask, no other.

The address is signed and lasts :data:`MAX_AGE`. It tells a status and a percentage, and what the
job says about itself only if whoever made the address wanted that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from django_jobs.models import Job
from django_jobs.states import TERMINAL, Status

if TYPE_CHECKING:
    from django.http.response import HttpResponseBase

#: How long an address may be asked.
MAX_AGE: Final = timedelta(days=1)
_SALT: Final = "django_jobs.progress"


@dataclass(frozen=True)
class Progress:
    """What the holder of an address gets to know."""

    status: str
    percent: int
    message: str = ""

    @classmethod
    def of(cls, job: Job, *, message: bool) -> Progress:
        """As the row has it."""
        return cls(job.status, job.progress, job.progress_message if message else "")

    @property
    def label(self) -> str:
        """The status in words."""
        known = self.status in Status.values
        return str(Status(self.status).label) if known else self.status

    @property
    def is_finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in TERMINAL

    @property
    def etag(self) -> str:
        """Differs whenever the fragment does."""
        seen = f"{self.status}|{self.percent}|{self.message}|{get_language()}"
        return f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'


def address_of(job: Job, *, message: bool = False) -> str:
    """The signed address that tells the progress of a job.

    Args:
        job: which one.
        message: whether it also tells what the job said with ``update_progress()``.

    Raises:
        ImproperlyConfigured: ``django_jobs.urls`` is in no URLconf of the site.
    """
    token = signing.dumps([job.pk.hex, int(message)], salt=_SALT)
    try:
        return reverse("django_jobs:progress", args=[token])
    except NoReverseMatch as error:
        raise ImproperlyConfigured(
            '{% job_progress %} needs path("jobs/", include("django_jobs.urls")) in the URLconf.'
        ) from error


@require_safe
def progress_view(request: HttpRequest, token: str) -> HttpResponseBase:
    """The fragment; without a word of why where the address is not a good one."""
    found = _find(token)
    if found is None:
        return HttpResponseNotFound()
    answer = get_conditional_response(request, etag=found.etag)
    if answer is None:
        answer = HttpResponse(
            render_to_string("django_jobs/progress_fragment.html", {"jobs": found})
        )
    answer["ETag"] = found.etag
    answer["X-Robots-Tag"] = "noindex"
    patch_cache_control(answer, private=True, no_cache=True)
    return answer


def _find(token: str) -> Progress | None:
    try:
        job_id, tells_message = signing.loads(token, salt=_SALT, max_age=MAX_AGE)
    except signing.BadSignature:  # an expired one too
        return None
    columns = ("status", "progress", "progress_message")
    row = Job.objects.filter(pk=UUID(job_id)).values_list(*columns).first()
    if row is None:
        return None
    status, percent, message = row
    return Progress(status, percent, message if tells_message else "")
