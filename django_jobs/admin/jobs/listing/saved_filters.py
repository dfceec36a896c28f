"""Saved filters of the list of jobs: those of the user, and those that others share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib import messages
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from django_jobs.admin.jobs.listing.query import parse
from django_jobs.admin.jobs.listing.reach import DATE_FIELD
from django_jobs.admin.shared import history
from django_jobs.admin.shared.addresses import address
from django_jobs.admin.shared.bases import user_name
from django_jobs.models import SavedFilter
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from django.http import HttpRequest

NAME_MAX: Final = 60
QUERY_MAX: Final = 2000
#: Filters that one list shows, and that one user may have.
MOST: Final = 50
#: Parameters of the list that are kept.
KEPT: Final = frozenset(
    {"status", "queue", "job", "q", *(f"{DATE_FIELD}__{part}" for part in ("year", "month", "day"))}
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One of them on the page.

    Attributes:
        row: the filter.
        link: the list it shows.
        is_mine: whether this user may remove it.
        is_chosen: whether the list shows it now.
    """

    row: SavedFilter
    link: str
    is_mine: bool
    is_chosen: bool


def shown_to(user: str, query: str, with_payload: bool) -> list[Shown]:
    """The filters of a user and the shared ones, by name.

    What others ask about parameters and errors is only for whoever may ask that, too.
    """
    rows = SavedFilter.objects.filter(Q(owner=user) | Q(is_shared=True)).order_by("name")[:MOST]
    there = _kept(query.removeprefix("?"))
    base = address("django_jobs_job_changelist")
    return [
        Shown(row, f"{base}?{row.query}", row.owner == user, bool(there) and row.query == there)
        for row in rows
        if with_payload or row.owner == user or not _asks_payload(row.query)
    ]


def save(request: HttpRequest, query: str) -> None:
    """Keep what a list asks under the name that was sent, and tell the user."""
    name = clean_text(request.POST.get("name", "").strip(), NAME_MAX + 1)
    kept, owner = _kept(query), user_name(request)
    mine = SavedFilter.objects.filter(owner=owner)
    error = ""
    if not name or len(name) > NAME_MAX:
        error = _("name: 1 to %(count)d characters.") % {"count": NAME_MAX}
    elif not kept:
        error = _("Choose a status, a queue, a job, a date or a search first.")
    elif len(kept) > QUERY_MAX:
        error = _("This filter is too long to be saved.")
    elif mine.exclude(name=name).count() >= MOST:
        error = _("You have %(count)d filters; remove one first.") % {"count": MOST}
    if error:
        messages.error(request, error)
        return
    row, _is_new = SavedFilter.objects.update_or_create(
        owner=owner,
        name=name,
        defaults={"query": kept, "is_shared": request.POST.get("shared") == "yes"},
    )
    history.remember(request, [row], "Saved")
    messages.success(request, _("Saved as “%(name)s”.") % {"name": name})


def remove(request: HttpRequest) -> None:
    """Remove a filter of the user and tell them."""
    number = request.POST.get("filter", "")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        number = "0"
    row = SavedFilter.objects.filter(owner=user_name(request), pk=int(number)).first()
    if row is None:
        messages.error(request, _("You have no such filter."))
        return
    history.remember(request, [row], "Removed")
    row.delete()
    messages.success(request, _("“%(name)s” was removed.") % {"name": row.name})


def _asks_payload(query: str) -> bool:
    asked = parse(QueryDict(query).get("q", ""), timezone.now())
    return any(one.is_payload for one in asked.conditions)


def _kept(query: str) -> str:
    """The parameters that mean something, in one order."""
    given = QueryDict(query)
    kept = QueryDict(mutable=True)
    for name in sorted(KEPT & given.keys()):
        if value := given[name].strip():
            kept[name] = value
    return kept.urlencode()
