"""How far back a list of jobs looks, so that no page reads the whole table.

Ids are UUIDv7: they hold the time, and the primary key is an index by age. Questions that have
no other index are asked only about the newest jobs, or about those that ended last.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.timezone import make_aware

from django_jobs.conditions import Condition
from django_jobs.models import Job
from django_jobs.selection import Selection
from django_jobs.states import LIVE, Status

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Jobs that a question without an index is asked about.
WINDOW: Final = 50_000
#: The same of jobs that ended otherwise than well. They lie apart from each other, so that each
#: is a page of the table to be read, where a page holds dozens of the newest or the completed.
SCATTERED_WINDOW: Final = 10_000

DATE_FIELD: Final = "created_at"

#: Fields that have an index of their own, at least of the jobs that have a value there.
_FINDS_FEW: Final = frozenset({"id", "correlation", "subject"})
#: Fields whose values lie in the order of an index, or leave few jobs out.
_IN_ORDER: Final = frozenset({"created", "status", *_FINDS_FEW})
#: Fields that are slow to look at, even where there are not many jobs.
_LARGE: Final = frozenset({"tag", "error"})


def dates_of(request: HttpRequest) -> tuple[Condition, ...]:
    """The chosen year, month or day. The list itself refused bad ones."""
    year, month, day = (
        int(text) if (text := request.GET.get(f"{DATE_FIELD}__{part}")) else None
        for part in ("year", "month", "day")
    )
    if year is None:
        return ()
    start = datetime(year, month or 1, day or 1)  # noqa: DTZ001 - made aware below
    if day:
        end = start + timedelta(days=1)
    elif month:
        end = (start + timedelta(days=32)).replace(day=1)
    else:
        end = start.replace(year=year + 1)
    if settings.USE_TZ:
        start, end = make_aware(start), make_aware(end)
    return (
        Condition("created", ">=", (start.isoformat(),)),
        Condition("created", "<", (end.isoformat(),)),
    )


def windowed(selection: Selection) -> Selection:
    """The same, or the newest of it if it asks what no index answers."""
    return within_window(selection) if _is_slow(selection) else selection


def window_of(selection: Selection) -> int:
    """Jobs that a question without an index is asked about."""
    is_scattered = selection.is_by_end and Status.COMPLETED not in selection.statuses
    return SCATTERED_WINDOW if is_scattered else WINDOW


def within_window(selection: Selection) -> Selection:
    """Of the newest :func:`window_of` jobs those that are meant; all if there are no more."""
    last = window_of(selection) - 1
    if selection.is_by_end:
        (status,) = selection.statuses
        ended = [one for one in selection.conditions if one.field == "ended" and not one.negated]
        base = Selection((Condition("status", "=", (str(status),)), *ended))
        ends = base.queryset().order_by("-completed_at").values_list("completed_at", flat=True)
        return selection.with_(ended_since=next(iter(ends[last : last + 1]), None))
    created = [one for one in selection.conditions if one.field == "created" and not one.negated]
    jobs = Selection(tuple(created)).queryset() if created else Job.objects.all()
    ids = jobs.order_by("-pk").values_list("pk", flat=True)
    return selection.with_(since=next(iter(ids[last : last + 1]), None))


def is_windowed(selection: Selection) -> bool:
    """Whether it leaves out old jobs."""
    return selection.since is not None or selection.ended_since is not None


def _is_slow(selection: Selection) -> bool:
    conditions = selection.conditions
    if selection.ids is not None or any(
        one.field in _FINDS_FEW and not one.negated for one in conditions
    ):
        return False
    if any(one.path or one.field in _LARGE for one in conditions):
        return True
    statuses = selection.statuses
    if statuses <= LIVE:
        return False
    fields = {one.field for one in conditions} - _IN_ORDER
    if statuses == {Status.FAILED}:
        fields -= {"failure"}
    if selection.is_by_end:
        return bool(fields - {"ended"})
    return bool(fields) or statuses != frozenset(Status)
