"""The tabs above the list: statuses, each with a number that costs the same however many jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import connections
from django.db.models import CharField, IntegerField, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat, Now
from django.utils import timezone
from django.utils.translation import gettext as _

from django_jobs.admin.shared import shown, sight
from django_jobs.conditions import UNFINISHED
from django_jobs.models import Job
from django_jobs.models.in_status import InStatus
from django_jobs.permissions import has_own_rules
from django_jobs.states import DELAYED, TERMINAL, Status
from django_jobs.stats import ended_totals
from django_jobs.stats.together import counted

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.http import HttpRequest
    from django.utils.functional import _StrOrPromise

#: Jobs that a tab counts at most.
COUNT_MAX: Final = 10_000
#: How far back the tabs of ended jobs count.
RECENTLY: Final = timedelta(hours=24)

_LIVE: Final = (Status.PENDING, Status.RUNNING, Status.SCHEDULED, Status.RETRYING)
#: Ended, and counted one by one: operators end them, too, of which the sums know nothing.
_RARE: Final = (Status.DISCARDED, Status.CANCELLED, Status.EXPIRED)
#: Statuses of the enqueue buffer have no tab, unless one of them is chosen.
_ORDER: Final = (*_LIVE, Status.FAILED, Status.COMPLETED, *_RARE)

#: In no name of a job or queue.
_BETWEEN: Final = "\n"


@dataclass(frozen=True, slots=True)
class Tab:
    """One of them.

    Attributes:
        label: what it says.
        link: where it leads.
        count: the number as people read it; empty if it has none.
        about: what the number counts.
        is_chosen: whether the list shows it.
        is_alarming: whether somebody should look.
    """

    label: _StrOrPromise
    link: str
    count: str = ""
    about: str = ""
    is_chosen: bool = False
    is_alarming: bool = False


def tabs_of(request: HttpRequest, changes: ChangeList) -> list[Tab]:
    """The tabs of a list."""
    chosen = request.GET.get("status")
    if has_own_rules():
        counts = _counts_of_seen(request)
    else:
        counts = _counts()
        counts[Status.COMPLETED] = ended_totals(timezone.now() - RECENTLY).get(Status.COMPLETED, 0)
    names = [UNFINISHED, *_ORDER]
    if chosen and chosen not in names:
        names.append(chosen)
    everything = Tab(_("All"), changes.get_query_string(remove=["status"]), is_chosen=not chosen)
    return [everything, *_tabs(changes, chosen, counts, names)]


def _tabs(
    changes: ChangeList, chosen: str | None, counts: Mapping[str, int], names: list[str]
) -> Iterator[Tab]:
    for name in names:
        is_unfinished = name == UNFINISHED
        count = _unfinished(counts) if is_unfinished else counts.get(name)
        if count is not None and not is_unfinished and name != Status.COMPLETED:
            count = min(count, COUNT_MAX)
        is_capped = count is not None and _is_capped(name, counts)
        yield Tab(
            _("unfinished") if is_unfinished else Status(name).label,
            changes.get_query_string({"status": name}),
            "" if count is None or (name in _RARE and not count) else _number(count, is_capped),
            _("ended in the last 24 hours") if name in (Status.COMPLETED, *_RARE) else "",
            name == chosen,
            name == Status.FAILED and bool(count),
        )


def _is_capped(name: str, counts: Mapping[str, int]) -> bool:
    if name == UNFINISHED:
        return any(_is_capped(status, counts) for status in _LIVE)
    if name in DELAYED:
        # They share an index, of which so many entries were looked at.
        return sum(counts.get(status, 0) for status in DELAYED) > COUNT_MAX
    return name != Status.COMPLETED and counts.get(name, 0) > COUNT_MAX


def _unfinished(counts: Mapping[str, int]) -> int | None:
    if any(status not in counts for status in _LIVE):
        return None
    return sum(min(counts[status], COUNT_MAX) for status in _LIVE)


def _number(count: int, is_capped: bool) -> str:
    return f"{shown.number(count)}+" if is_capped else shown.number(count)


class _CountUpTo(Subquery):
    """How many rows a subquery has."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


class _CountOf(Subquery):
    """How many rows of a subquery of statuses have one of them."""

    template = (
        "(SELECT COUNT(CASE WHEN status = '%(status)s' THEN 1 END) FROM (%(subquery)s) counted)"
    )
    output_field = IntegerField()


def _counts() -> dict[str, int]:
    """The numbers of all but completed jobs, in one query."""
    if_any: QuerySet[Any] = Job.objects.order_by("-pk")
    counted: dict[str, Any] = {
        f"count_{status}": _CountUpTo(_some(*part)) for status, part in _indexed().items()
    }
    delayed = _some(Q(InStatus(DELAYED)), "scheduled_for")
    counted |= {f"count_{status}": _CountOf(delayed, status=str(status)) for status in DELAYED}
    # The first row only carries the numbers; without any row they are all 0.
    row = if_any.values(**counted).first() or {}
    return {status: row.get(f"count_{status}", 0) for status in _ORDER}


def _counts_of_seen(request: HttpRequest) -> dict[str, int]:
    """The numbers of the jobs that the user sees, but of statuses with too many to look at."""
    parts = [*_indexed().values(), (Q(InStatus(DELAYED)), "scheduled_for")]
    kind = Concat("job_name", Value(_BETWEEN), "queue", output_field=CharField())
    rows = counted(
        *(
            _ordered(*part)
            .annotate(place=kind)
            .values_list("status", "place", "created_at")[: COUNT_MAX + 1]
            for part in parts
        )
    )
    looked_at, seen = Counter[str](), Counter[str]()
    for status, place, count, _first in rows:
        job_name, _between, queue = place.partition(_BETWEEN)
        looked_at[status] += count
        seen[status] += count if sight.sees_kind(request, job_name, queue) else 0
    many = sum(looked_at[status] for status in DELAYED) > COUNT_MAX
    return {
        status: seen[status]
        for status in _ORDER
        if status != Status.COMPLETED
        and looked_at[status] <= COUNT_MAX
        and not (many and status in DELAYED)
    }


def _indexed() -> dict[Status, tuple[Any, ...]]:
    """By status the condition, and the order of the index that shall be read.

    Without an order a database may begin with the oldest rows of the table, until it has found
    enough; but those that wait are the youngest.
    """
    recently = Q(completed_at__gte=Now() - RECENTLY)
    ended = Q(InStatus(TERMINAL))  # in the words of the index, for SQLite
    return {
        Status.PENDING: (Q(status=Status.PENDING), "queue", "priority", "scheduled_for", "id"),
        Status.RUNNING: (Q(status=Status.RUNNING), "worker_process"),
        Status.FAILED: (ended & Q(status=Status.FAILED), "status", "completed_at"),
        **{status: (ended & Q(status=status) & recently, "completed_at") for status in _RARE},
    }


def _some(condition: Q, *order: str) -> QuerySet[Any]:
    return _ordered(condition, *order).values("status")[: COUNT_MAX + 1]


def _ordered(condition: Q, *order: str) -> QuerySet[Any]:
    jobs = Job.objects.filter(condition)
    return jobs.order_by(*order) if connections[jobs.db].features.supports_partial_indexes else jobs
