"""How single values look. Every one of them is escaped here; nothing is marked safe elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

#: Stands for "nothing".
NOTHING: Final = "–"
#: Characters of JSON that a page shows.
JSON_LIMIT: Final = 20_000
_LINE_LIMIT: Final = 160


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
    aware = timezone.is_aware(value)
    local = timezone.localtime(value) if aware else value
    this_year = (timezone.localtime() if aware else timezone.now()).year
    layout = "%m-%d %H:%M:%S" if short and local.year == this_year else "%Y-%m-%d %H:%M:%S"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        local.isoformat(" ", "milliseconds"),
        local.strftime(layout),
    )


def duration(length: timedelta | None) -> str:
    """A length of time in its two largest units."""
    if length is None:
        return NOTHING
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 1:
        return _("%(count)d ms") % {"count": round(seconds * 1000)}
    if seconds < 10:
        return _("%(count).1f s") % {"count": seconds}
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
    return render_to_string("admin/django_jobs/copyable.html", {"text": text})


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


def megabytes(size: int) -> str:
    """Memory as people speak of it."""
    return _("%(count)d MB") % {"count": round(size / 2**20)} if size else NOTHING
