"""A cron expression in plain words, for the common shapes; the others speak for themselves."""

from __future__ import annotations

import re
from typing import Final

from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs.crontab.fields import FIELDS, fields_of
from django_jobs.exceptions import JobsError

_NUMBER: Final = re.compile(r"[0-9]{1,2}")
_STEP: Final = re.compile(r"\*/([0-9]{1,2})")
#: Times of a day that are told one by one.
_TIMES_MAX: Final = 4


def in_words(expression: str) -> str:
    """For example “every weekday at 09:30”; an empty text where there are no short words."""
    try:
        minute, hour, day, month, weekday = fields_of(expression)
    except JobsError:
        return ""
    every_day = (day, month, weekday) == ("*", "*", "*")
    if hour == "*" or "/" in hour:
        return _within_the_day(minute, hour) if every_day else ""
    days, times = _days(day, month, weekday), _times(minute, hour)
    return _("%(days)s at %(times)s") % {"days": days, "times": times} if days and times else ""


def _within_the_day(minute: str, hour: str) -> str:
    if hour == "*":
        if minute == "*":
            return _("every minute")
        if step := _even_step(minute, 60):
            return ngettext("every %(n)d minute", "every %(n)d minutes", step) % {"n": step}
        if minute == "0":
            return _("every hour")
        if _NUMBER.fullmatch(minute):
            return _("every hour at minute %(n)d") % {"n": int(minute)}
        return ""
    step = _even_step(hour, 24)
    if not step or not _NUMBER.fullmatch(minute):
        return ""
    values = {"n": step, "minute": int(minute)}
    if not int(minute):
        return ngettext("every %(n)d hour", "every %(n)d hours", step) % values
    text = ngettext(
        "every %(n)d hour at minute %(minute)d", "every %(n)d hours at minute %(minute)d", step
    )
    return text % values


def _even_step(field: str, length: int) -> int:
    """The step of ``*/n``, if all steps are of the same length; else 0."""
    match = _STEP.fullmatch(field)
    step = int(match[1]) if match else 0
    return step if step and length % step == 0 else 0


def _times(minute: str, hour: str) -> str:
    hours = hour.split(",")
    if not all(map(_NUMBER.fullmatch, [minute, *hours])) or len(hours) > _TIMES_MAX:
        return ""
    return _joined([f"{int(one):02}:{int(minute):02}" for one in sorted(hours, key=int)])


def _days(day: str, month: str, weekday: str) -> str:
    if weekday != "*":
        return _weekdays(weekday) if (day, month) == ("*", "*") else ""
    if day == "*":
        return _("every day") if month == "*" else ""
    if not _NUMBER.fullmatch(day):
        return ""
    if month == "*":
        return _("on day %(day)d of every month") % {"day": int(day)}
    number = _value(month, FIELDS[3].names)
    if number is None:
        return ""
    return _("every year on %(month)s %(day)d") % {"month": MONTHS[number], "day": int(day)}


def _weekdays(field: str) -> str:
    numbers: set[int] = set()
    for part in field.split(","):
        ends = [_value(end, FIELDS[4].names) for end in part.split("-")]
        if None in ends or len(ends) > 2:
            return ""
        first, last = (int(ends[0] or 0), int(ends[-1] or 0))
        # Sunday is 0 and 7; here Monday is the first day and has the number 0, as in Django.
        numbers |= {(number - 1) % 7 for number in range(first, last + 1)}
    if numbers == set(range(5)):
        return _("every weekday")
    if numbers == set(range(7)):
        return _("every day")
    return _("every %(days)s") % {"days": _joined([str(WEEKDAYS[one]) for one in sorted(numbers)])}


def _value(text: str, names: dict[str, int]) -> int | None:
    if _NUMBER.fullmatch(text):
        return int(text)
    return names.get(text)


def _joined(words: list[str]) -> str:
    if len(words) == 1:
        return words[0]
    return _("%(first)s and %(last)s") % {"first": ", ".join(words[:-1]), "last": words[-1]}
