"""The date hierarchy of the job list, drawn from its first and last job.

Django's own asks the database for every year, month or day that has a row, and reads them all
to find out. This one offers every date in between.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Subquery
from django.utils import formats
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from django_jobs.admin.jobs.listing.reach import DATE_FIELD
from django_jobs.admin.shared import shown
from django_jobs.models import Job

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList

_YEAR, _MONTH, _DAY = (f"{DATE_FIELD}__{part}" for part in ("year", "month", "day"))


def date_links(changes: ChangeList) -> dict[str, Any]:
    """What Django's template ``admin/date_hierarchy.html`` shows."""
    year, month, day = (_number(changes, name) for name in (_YEAR, _MONTH, _DAY))
    extent = _extent()
    if extent is None:
        return {}
    if year is None:
        month = day = None  # of no year they mean nothing, and nobody has looked at them
        if extent[0].year == extent[1].year:
            year = extent[0].year
            month = extent[0].month if extent[0].month == extent[1].month else None
    chosen = any(name in changes.params for name in (_YEAR, _MONTH, _DAY))
    return {
        "show": True,
        "field_name": _("created"),
        "back": _back(changes, year, month, day) if chosen else None,
        "choices": list(_choices(changes, extent, year, month, day)),
    }


def _number(changes: ChangeList, name: str) -> int | None:
    # The list refused everything else before it comes to this.
    return int(changes.params[name]) if changes.params.get(name) else None


def _extent() -> tuple[date, date] | None:
    """The days of the first and the last job, each found at an end of the primary key."""
    last = Job.objects.order_by("-pk").values(DATE_FIELD)[:1]
    first = Job.objects.order_by("pk").values_list(DATE_FIELD, Subquery(last)).first()
    if first is None:
        return None
    days = [shown.local(moment).date() for moment in first]
    return min(days), max(days)


def _link(changes: ChangeList, **chosen: int) -> str:
    values = {f"{DATE_FIELD}__{part}": value for part, value in chosen.items()}
    return changes.get_query_string(values, [f"{DATE_FIELD}__"])


def _back(
    changes: ChangeList, year: int | None, month: int | None, day: int | None
) -> dict[str, Any] | None:
    if year and month and day:
        title = capfirst(formats.date_format(date(year, month, 1), "YEAR_MONTH_FORMAT"))
        return {"link": _link(changes, year=year, month=month), "title": title}
    if year and month:
        return {"link": _link(changes, year=year), "title": str(year)}
    return {"link": _link(changes), "title": _("All dates")}


def _choices(
    changes: ChangeList,
    extent: tuple[date, date],
    year: int | None,
    month: int | None,
    day: int | None,
) -> Iterator[dict[str, Any]]:
    first, last = extent
    if year and month and day:
        title = formats.date_format(date(year, month, day), "MONTH_DAY_FORMAT")
        yield {"title": capfirst(title)}
    elif year and month:
        for one in range(1, calendar.monthrange(year, month)[1] + 1):
            if first <= date(year, month, one) <= last:
                title = formats.date_format(date(year, month, one), "MONTH_DAY_FORMAT")
                link = _link(changes, year=year, month=month, day=one)
                yield {"link": link, "title": capfirst(title)}
    elif year:
        for one in range(1, 13):
            if (first.year, first.month) <= (year, one) <= (last.year, last.month):
                title = formats.date_format(date(year, one, 1), "YEAR_MONTH_FORMAT")
                yield {"link": _link(changes, year=year, month=one), "title": capfirst(title)}
    else:
        for one in range(first.year, last.year + 1):
            yield {"link": _link(changes, year=one), "title": str(one)}
