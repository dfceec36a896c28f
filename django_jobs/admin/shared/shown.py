"""How single values look. Every one of them is escaped here; nothing is marked safe elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

#: Stands for "nothing".
NOTHING: Final = "–"
#: Characters of JSON that a page shows.
JSON_LIMIT: Final = 20_000
_LINE_LIMIT: Final = 160
_BEFORE_UNIT: Final = re.compile(r"(?<=\d) ")


def badge(kind: str, label: object) -> SafeString:
    """A word in the colour of its kind."""
    return format_html('<span class="jobs-badge jobs-{}">{}</span>', kind, label)


def warning(text: object) -> SafeString:
    """A word that must stand out."""
    return format_html('<span class="jobs-warning">{}</span>', text)


def facts(rows: Iterable[tuple[object, object]]) -> SafeString:
    """A list of labels and values; those without a value are left out."""
    known = (row for row in rows if row[1])
    lines = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", known)
    return format_html('<dl class="jobs-facts">{}</dl>', lines)


def progress_bar(percent: int) -> SafeString:
    """A bar that needs neither script nor inline style."""
    return format_html(
        '<span class="jobs-progress"><progress max="100" value="{0}"></progress>'
        "<span>{0}&nbsp;%</span></span>",
        int(percent),
    )


def moment(value: datetime | None, *, short: bool = False) -> SafeString | str:
    """A time to the second in the current time zone; ``short`` leaves out the current year."""
    if value is None:
        return NOTHING
    is_this_year = local(value).year == local(now_like(value)).year
    return _time(value, "%m-%d %H:%M:%S" if short and is_this_year else "%Y-%m-%d %H:%M:%S")


def _time(value: datetime, layout: str) -> SafeString:
    here = local(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        here.isoformat(),
        here.isoformat(" ", "milliseconds"),
        here.strftime(layout),
    )


def local(value: datetime) -> datetime:
    """The same in the current time zone; a site without time zones has only one."""
    return timezone.localtime(value) if timezone.is_aware(value) else value


def now_like(value: datetime) -> datetime:
    """The time, aware or naive as another one is."""
    return timezone.now() if timezone.is_aware(value) else datetime.now()  # noqa: DTZ005


def moment_and_age(value: datetime | None, *, short: bool = False) -> SafeString | str:
    """A time and how far away it is; ``short`` leaves out the current year, and today's date.

    A script (``age.js``) keeps the age true on a page that stays open.
    """
    if value is None:
        return NOTHING
    is_today = local(value).date() == local(now_like(value)).date()
    at = _time(value, "%H:%M:%S") if short and is_today else moment(value, short=short)
    return format_html('{} <span class="jobs-age">{}</span>', at, age(value))


def age(value: datetime) -> str:
    """How long ago it was, or how soon it will be, in the largest unit."""
    past = now_like(value) - value
    if abs(past) < timedelta(seconds=1):
        return _("now")
    days = abs(past).days
    # Languages decline days after "in" and "ago".
    if days >= 2:
        text = (
            pgettext("age", "%(count)d days ago")
            if past.days > 0
            else pgettext("age", "in %(count)d days")
        )
        return text % {"count": days}
    text = _("%(length)s ago") if past > timedelta(0) else _("in %(length)s")
    return text % {"length": rough_length(abs(past))}


def rough_length(value: timedelta) -> str:
    """A length of time in its largest unit."""
    minutes = int(value.total_seconds() // 60)
    if minutes < 1:
        return _("%(count)d s") % {"count": int(value.total_seconds())}
    if minutes < 120:
        return _("%(count)d min") % {"count": minutes}
    if minutes < 48 * 60:
        return _("%(count)d h") % {"count": minutes // 60}
    return _("%(count)d days") % {"count": minutes // (24 * 60)}


def duration(length: timedelta | None) -> str:
    """A length of time in its two largest units, each of which stays on one line."""
    return NOTHING if length is None else _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", _in_units(length))


def _in_units(length: timedelta) -> str:
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 1:
        return _("%(count)d ms") % {"count": round(seconds * 1000)}
    if seconds < 10:
        return _("%(count)s s") % {"count": formats.number_format(seconds, 1)}
    if seconds < 60:
        return _("%(count)d s") % {"count": seconds}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(hours, 24)
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}


def pretty_json(value: Any) -> SafeString | str:
    """JSON with indentation, as text."""
    if value in (None, {}, []):
        return NOTHING
    return preformatted(json.dumps(value, indent=2, ensure_ascii=False))


def preformatted(text: str) -> SafeString:
    """Text with its own line breaks; the end of a very long one is left out."""
    if len(text) > JSON_LIMIT:
        left_out = len(text) - JSON_LIMIT
        rest = _("… %(count)d more characters") % {"count": left_out}
        text = f"{text[:JSON_LIMIT]}\n{rest}"
    return render_to_string("admin/django_jobs/copyable.html", {"text": printable(text)})


def printable(text: str) -> str:
    """The text with lone surrogates as escapes: no page can be made of them."""
    return text.encode("utf-8", "backslashreplace").decode()


def copyable_line(text: str) -> SafeString:
    """A word that people paste into a terminal."""
    return render_to_string("admin/django_jobs/copyable_line.html", {"text": text})


def error_line(error: str) -> str:
    """What a traceback says: the line after its last frame; of another text, the first line.

    ``error`` may be the tail of a longer one.
    """
    lines = error.strip("\n").splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  ")]
    said = lines[frames[-1] + 1 :] if frames else lines
    line = said[0].strip() if said else ""
    return line if len(line) <= _LINE_LIMIT else f"{line[: _LINE_LIMIT - 1]}…"


def dotted(name: str) -> SafeString:
    """A name that had better be broken after its dots than anywhere else."""
    *parts, last = name.split(".")
    return format_html("{}{}", format_html_join("", "{}.<wbr>", ((part,) for part in parts)), last)


def number(value: int) -> str:
    """A number as the reader's language groups it: what is 1,234 here is 1.234 elsewhere."""
    return formats.number_format(value, force_grouping=True)


def megabytes(size: int) -> str:
    """Memory as people speak of it."""
    return _("%(count)d MB") % {"count": round(size / 2**20)} if size else NOTHING
