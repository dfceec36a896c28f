"""A form is good for one enqueue: the id of the job to come is chosen when the page is made.

However often the form is sent, there can be only one job with that id: the primary key sees to
it, for as long as the row is kept, also when two requests arrive at the same moment. A unique key
would not do: it is free again as soon as the job has ended.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.core import signing

from django_jobs.ids import uuid7

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Name of the hidden input.
FIELD: Final = "jobs_once"
#: Much sooner than the rows of ended jobs are deleted.
MAX_AGE: Final = timedelta(hours=12)
#: Bits at the end of an id that are random.
_RANDOM: Final = 62
_SALT: Final = "django_jobs.once"


def new_ticket(request: HttpRequest, about: str) -> str:
    """What a fresh form carries; for one user, and about one thing."""
    return signing.dumps([str(uuid7()), _holder(request), about], salt=_SALT)


def id_of(request: HttpRequest, about: str) -> UUID | None:
    """The id that a posted form may use; ``None`` if its ticket is too old or another one's."""
    try:
        job_id, holder, thing = signing.loads(
            request.POST.get(FIELD, ""), salt=_SALT, max_age=MAX_AGE
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return UUID(job_id) if (holder, thing) == (_holder(request), about) else None


def id_of_one(ticket_id: UUID, key: object) -> UUID:
    """The id that the job for one of several things may use, always the same for the same thing."""
    digest = sha256(f"{ticket_id}:{key}".encode()).digest()
    # Time, version and variant stay: ids sort by time.
    return UUID(int=ticket_id.int >> _RANDOM << _RANDOM | int.from_bytes(digest) % 2**_RANDOM)


def _holder(request: HttpRequest) -> str:
    return str(request.user.pk)
