"""How attempts ended over time, as a picture and as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_jobs.admin.overview import marks as marking
from django_jobs.admin.overview import words
from django_jobs.admin.overview.history import RANGES, History, Range
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.admin.shared.charts import Bar, sign, stacked_bars
from django_jobs.admin.shared.job_links import ended_within
from django_jobs.states import Status

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Parts of a bar from the bottom up; every other outcome is part of the last one.
KINDS = (Status.COMPLETED, Status.RETRYING, Status.FAILED)
OTHER = "other"
#: Those that are statuses jobs stay in: a list can show the jobs that ended so.
LISTED = (Status.FAILED, Status.COMPLETED)


@dataclass(frozen=True, slots=True)
class Choice:
    """A link of the switch."""

    label: str
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A step in the table.

    Attributes:
        time: when it began.
        counts: in the order of the legend, each with the jobs behind it, where a list has them.
        happened: deploys, pauses and cron runs.
    """

    time: str
    counts: list[tuple[str, str]]
    happened: list[str]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template shows.

    Attributes:
        picture: the drawing.
        legend: kind, label and sum.
        signs: the marks explained: drawing and label.
        rows: the same as a table, newest first, without the steps in which nothing was.
        choices: the switch of the range.
        is_cut: whether marks were left out.
    """

    picture: SafeString
    legend: list[tuple[str, str, str]]
    signs: list[tuple[SafeString, str]]
    rows: list[Row]
    choices: list[Choice]
    is_cut: bool


def chart_of(request: HttpRequest, history: History, addresses: Addresses) -> Chart:
    """Draw it."""
    marks = marking.marks_of(request, history)
    steps = [(at, _by_kind(ends)) for at, ends in history.steps]
    total: Counter[str] = sum((counts for _at, counts in steps), Counter())
    legend = [(kind, label, words.number(total[kind])) for kind, label in _labels().items()]
    most = max((sum(counts.values()) for _at, counts in steps), default=0)
    picture = stacked_bars(
        [_bar(n, at, counts, history.range, addresses) for n, (at, counts) in enumerate(steps)],
        _described(legend, history.range),
        top_label=str(history.range.scale) % {"count": words.number(most)} if most else "",
        marks=marking.drawn(marks, history),
    )
    return Chart(
        picture=picture,
        legend=legend,
        signs=[(sign(kind), marking.kind_label(kind)) for kind in marks.kinds],
        rows=list(reversed(_rows(history, steps, marks, addresses))),
        choices=[
            Choice(str(one.label), addresses.overview(range=one.key), one is history.range)
            for one in RANGES
        ],
        is_cut=marks.is_cut,
    )


def _labels() -> dict[str, str]:
    return {
        Status.COMPLETED: _("completed"),
        Status.RETRYING: _("failed, tried again"),
        Status.FAILED: _("failed for good"),
        OTHER: _("other"),
    }


def _by_kind(ends: Counter[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for outcome, count in ends.items():
        counts[outcome if outcome in KINDS else OTHER] += count
    return counts


def _bar(
    place: int, at: datetime, counts: Counter[str], chosen: Range, addresses: Addresses
) -> Bar:
    figures = [
        _("%(count)s %(outcome)s") % {"count": words.number(counts[kind]), "outcome": label}
        for kind, label in _labels().items()
        if counts[kind]
    ]
    title = _("%(time)s: %(figures)s") % {
        "time": _span(at, chosen),
        "figures": ", ".join(figures) or _("nothing ended"),
    }
    is_ticked = place % chosen.tick == chosen.tick // 2
    urls = _urls(at, counts, chosen, addresses)
    return Bar(
        title=title,
        values={kind: float(counts[kind]) for kind in _labels()},
        tick=_tick(at, chosen) if is_ticked else "",
        # Failures are drawn too low to be hit, and are what one looks for.
        url=next(iter(urls.values()), ""),
        urls=dict(list(urls.items())[1:]),
    )


def _tick(at: datetime, chosen: Range) -> str:
    return words.day(at) if chosen.has_days else words.clock(at)


def _span(at: datetime, chosen: Range) -> str:
    begin = words.clock(at, with_day=chosen.has_days)
    return f"{begin}–{words.clock(at + chosen.step)}"


def _urls(
    at: datetime, counts: Counter[str], chosen: Range, addresses: Addresses
) -> dict[str, str]:
    """Outcome → the jobs that ended so in this step."""
    return {
        kind: addresses.jobs(status=kind, q=ended_within(at, at + chosen.step))
        for kind in LISTED
        if counts[kind] and addresses.jobs()
    }


def _described(legend: list[tuple[str, str, str]], chosen: Range) -> str:
    figures = ", ".join(f"{number} {label}" for _kind, label, number in legend)
    text = _("How attempts ended in the last %(range)s: %(figures)s. The table below has the rest.")
    return text % {"range": chosen.label, "figures": figures}


def _rows(
    history: History,
    steps: list[tuple[datetime, Counter[str]]],
    marks: marking.Marks,
    addresses: Addresses,
) -> list[Row]:
    rows = []
    for place, (at, counts) in enumerate(steps):
        end = at + history.range.step
        happened = [text for moment, _kind, text in marks.deeds if at <= moment < end]
        if place in marks.runs:
            happened.append(marking.run_text(marks.runs[place]))
        if counts or happened:
            urls = _urls(at, counts, history.range, addresses)
            numbers = [(words.number(counts[kind]), urls.get(kind, "")) for kind in _labels()]
            rows.append(Row(_span(at, history.range), numbers, happened))
    return rows
