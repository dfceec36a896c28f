"""Six numbers, how each went over a day, and the list behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_jobs.admin.overview import words
from django_jobs.admin.overview.history import History
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.admin.shared.charts import sparkline
from django_jobs.states import Status
from django_jobs.stats.glance import Glance


@dataclass(frozen=True, slots=True)
class Tile:
    """One number.

    Attributes:
        kind: class of the style sheet.
        label: what is counted.
        number: in words, for it may be about.
        url: the list behind it.
        line: the last 24 hours.
    """

    kind: str
    label: str
    number: str
    url: str
    line: SafeString | str = ""


def tiles_of(glance: Glance, history: History, addresses: Addresses) -> list[Tile]:
    """The numbers of now with their last day, and the rate."""
    tiles = [
        replace(
            tile,
            line=_failures(history)
            if tile.kind == Status.FAILED
            else _line(history.depth(Status(tile.kind)), tile.label),
        )
        for tile in numbers_of(glance, addresses)
    ]
    return [*tiles, _rate(history, addresses)]


def numbers_of(glance: Glance, addresses: Addresses) -> list[Tile]:
    """The numbers of now."""
    labels = {
        Status.PENDING: _("due"),
        Status.RUNNING: _("running"),
        Status.RETRYING: _("retrying"),
        Status.FAILED: _("failed"),
        Status.SCHEDULED: _("scheduled"),
    }
    return [
        Tile(status, label, words.tally(glance.tallies[status]), addresses.jobs(status=status))
        for status, label in labels.items()
    ]


def _rate(history: History, addresses: Addresses) -> Tile:
    label = _("jobs per minute")
    line = _line(history.rates(), label)
    url = addresses.jobs(status=Status.COMPLETED)
    return Tile("rate", label, words.number(history.rate()), url, line)


def _failures(history: History) -> SafeString:
    return _line(history.hourly(Status.FAILED), _("failed per hour"))


def _line(values: Sequence[float | None], label: str) -> SafeString:
    known = [value for value in values if value is not None]
    if not known:
        return sparkline([], _("%(what)s: nothing is known of the last 24 hours") % {"what": label})
    figures = {
        "what": label,
        "most": words.number(max(known)),
        "least": words.number(min(known)),
    }
    text = _("%(what)s over 24 hours: at least %(least)s, at most %(most)s")
    return sparkline(values, text % figures)
