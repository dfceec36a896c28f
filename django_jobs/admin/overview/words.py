"""How the overview says numbers, lengths and times."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import formats
from django.utils.translation import gettext as _

from django_jobs.admin.shared import shown
from django_jobs.stats.glance import Tally


def number(value: float) -> str:
    """A number as people read it: grouped, with one digit after the point while it is small."""
    digits = 1 if 0 < value < 10 and value != int(value) else 0
    return formats.number_format(round(value, digits), digits, force_grouping=True)


def tally(value: Tally) -> str:
    """A number of jobs that may not be exact."""
    if value.is_exact:
        return number(value.number)
    if value.is_sampled:
        return _("about %(count)s") % {"count": number(value.number)}
    return _("over %(count)s") % {"count": number(value.number)}


def seconds(value: float | None) -> str:
    """A duration as a column shows it."""
    if value is None:
        return "–"
    if value < 1:
        return _("%(count)d ms") % {"count": round(value * 1000)}
    if value < 60:
        return _("%(count)s s") % {"count": formats.number_format(value, 1)}
    return shown.rough_length(timedelta(seconds=value))


def clock(moment: datetime, *, with_day: bool = False) -> str:
    """A time of day in the current time zone."""
    here = shown.local(moment)
    text = here.strftime("%H:%M")
    return f"{formats.date_format(here, 'j M')} {text}" if with_day else text


def day(moment: datetime) -> str:
    """A day in the current time zone."""
    return formats.date_format(shown.local(moment), "D j")
