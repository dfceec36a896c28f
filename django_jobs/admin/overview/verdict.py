"""One sentence that says whether all is well, and if not, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs.admin.overview import words
from django_jobs.admin.overview.light import Light
from django_jobs.admin.shared import shown
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.doctor import Condition
from django_jobs.states import Status
from django_jobs.stats.glance import Due, Glance

#: A queue whose first job waits longer than this is worth a word, and a loud one.
BEHIND: Final = timedelta(minutes=5)
FAR_BEHIND: Final = timedelta(minutes=15)
#: Queues and schedules that are named; of more there is only a number.
_NAMED_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """A part of the sentence.

    Attributes:
        text: what is wrong.
        url: where to look; empty for nowhere.
        is_grave: whether jobs do not run, rather than run late or badly.
    """

    text: str
    url: str = ""
    is_grave: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence.

    Attributes:
        troubles: its parts, the worst first; none when nothing is wrong.
        is_sure: whether the doctor has looked; if not, nobody may say that all is well.
    """

    troubles: list[Trouble]
    is_sure: bool = True

    @property
    def level(self) -> str:
        """Class of the style sheet: ``good``, ``fair``, ``bad``, or ``unsure``."""
        if any(one.is_grave for one in self.troubles):
            return "bad"
        if self.troubles:
            return "fair"
        return "good" if self.is_sure else "unsure"


def verdict_on(
    glance: Glance, failed_lately: int, light: Light | None, addresses: Addresses
) -> Verdict:
    """Judge.

    Args:
        glance: how it stands.
        failed_lately: jobs that gave up within an hour.
        light: what the doctor said, if he was asked.
        addresses: of the pages that tell more.
    """
    troubles = [
        *_nobody_works(glance, addresses),
        *_behind(glance, addresses),
        *_paused(glance, addresses),
        *_silent(glance, addresses),
        *_failed(failed_lately, addresses),
        *_overdue(glance, addresses),
        *_ill(light, addresses),
    ]
    worst_first = sorted(troubles, key=lambda one: not one.is_grave)
    return Verdict(worst_first, is_sure=light is not None)


def _nobody_works(glance: Glance, addresses: Addresses) -> Iterator[Trouble]:
    if len(glance.silent) < len(glance.workers):
        return
    due = sum(one.number for one in glance.due.values())
    url = addresses.page("worker")
    if due:
        text = ngettext(
            "no worker is running and %(count)s job is due",
            "no worker is running and %(count)s jobs are due",
            due,
        )
        yield Trouble(text % {"count": words.tally(glance.tallies[Status.PENDING])}, url, True)
    else:
        yield Trouble(_("no worker is running"), url)


def _behind(glance: Glance, addresses: Addresses) -> Iterator[Trouble]:
    waits = {
        name: due.wait
        for name, due in glance.due.items()
        if due.wait is not None and due.wait > BEHIND and name not in glance.paused
    }
    names = sorted(waits, key=lambda name: waits[name], reverse=True)
    for name in names[:_NAMED_MAX]:
        text = _("%(queue)s is %(length)s behind")
        values = {"queue": name, "length": shown.rough_length(waits[name])}
        url = addresses.jobs(queue=name, status=Status.PENDING)
        yield Trouble(text % values, url, waits[name] > FAR_BEHIND)
    more = len(names) - _NAMED_MAX
    if more > 0:
        text = ngettext("%(count)d more queue is behind", "%(count)d more queues are behind", more)
        yield Trouble(text % {"count": more}, addresses.page("queue"))


def _paused(glance: Glance, addresses: Addresses) -> Iterator[Trouble]:
    waiting: dict[str, Due] = {
        name: due for name, due in glance.due.items() if name in glance.paused
    }
    for name, due in list(waiting.items())[:_NAMED_MAX]:
        text = ngettext(
            "%(queue)s is paused and %(count)s job waits",
            "%(queue)s is paused and %(count)s jobs wait",
            due.number,
        )
        values = {"queue": name, "count": words.number(due.number)}
        yield Trouble(text % values, addresses.page("queue"))
    more = len(waiting) - _NAMED_MAX
    if more > 0:
        text = ngettext(
            "jobs wait in %(count)d more paused queue",
            "jobs wait in %(count)d more paused queues",
            more,
        )
        yield Trouble(text % {"count": more}, addresses.page("queue"))


def _silent(glance: Glance, addresses: Addresses) -> Iterator[Trouble]:
    silent = len(glance.silent)
    if silent:
        text = ngettext("%(count)d worker silent", "%(count)d workers silent", silent)
        yield Trouble(text % {"count": silent}, addresses.page("worker"))


def _failed(failed: int, addresses: Addresses) -> Iterator[Trouble]:
    if failed:
        text = ngettext(
            "%(count)s job failed in the last hour",
            "%(count)s jobs failed in the last hour",
            failed,
        )
        url = addresses.jobs(status=Status.FAILED, q="ended:<1h")
        yield Trouble(text % {"count": words.number(failed)}, url)


def _overdue(glance: Glance, addresses: Addresses) -> Iterator[Trouble]:
    overdue = len(glance.overdue)
    if overdue:
        text = ngettext("%(count)d cron job overdue", "%(count)d cron jobs overdue", overdue)
        yield Trouble(text % {"count": overdue}, addresses.page("cronjob"))


def _ill(light: Light | None, addresses: Addresses) -> Iterator[Trouble]:
    """Jobs may not run for reasons that none of the above knows; then it must not say "healthy"."""
    condition = light.condition if light is not None else Condition.OK
    url = f"{addresses.overview()}#jobs-light"
    if condition == Condition.PROBLEM:
        yield Trouble(_("the doctor found a problem"), url, is_grave=True)
    elif condition == Condition.WARN:
        yield Trouble(_("the doctor warns"), url)
