"""The jobs that take the most, are the slowest, or fail the most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

from django.utils.translation import gettext as _

from django_jobs.admin.overview import words
from django_jobs.admin.overview.history import History
from django_jobs.admin.overview.kept import kept
from django_jobs.admin.shared import sight
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.admin.shared.job_links import ended_within
from django_jobs.registry import registry
from django_jobs.states import Status
from django_jobs.stats import JobTimes, job_times
from django_jobs.stats.ranking import JobSum, job_sums

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Rows of the table, and of each of the two short lists.
BUSIEST_MAX: Final = 10
SHORT_MAX: Final = 5
#: For how long the figures are kept.
SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in the table.

    Attributes:
        name: of the job.
        url: its jobs.
        ended: attempts that ended.
        failed: jobs that gave up; empty for none.
        failed_url: these.
        run, wait: p50 and p95.
        busy: all attempts together.
        share: of what all jobs took together, in percent.
    """

    name: str
    url: str
    ended: str
    failed: str
    failed_url: str
    run: tuple[str, str]
    wait: tuple[str, str]
    busy: str
    share: int


@dataclass(frozen=True, slots=True)
class ShortRow:
    """A job in a short list, with the one thing that brought it there."""

    name: str
    url: str
    figure: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the template shows.

    Attributes:
        busiest: the table.
        slowest, most_failing: the short lists.
        left_out: jobs that did not make it to the table.
    """

    busiest: list[JobRow]
    slowest: list[ShortRow]
    most_failing: list[ShortRow]
    left_out: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What was read: the same for every reader who sees the same jobs.

    Attributes:
        busiest, slowest, failing: jobs with their sums.
        times: of the first two, by name.
        busy: seconds that all jobs took together.
        count: of all jobs.
    """

    busiest: list[JobSum]
    slowest: list[JobSum]
    failing: list[JobSum]
    times: dict[str, JobTimes]
    busy: float
    count: int

    @classmethod
    def read(cls, since: datetime, hidden: Collection[str] = ()) -> Self:
        """Read two statements: the sums of all jobs, the times of those that are shown."""
        sums = [one for one in job_sums(since) if one.job_name not in hidden]
        busiest = sums[:BUSIEST_MAX]
        slowest = sorted((one for one in sums if one.mean), key=lambda one: -one.mean)[:SHORT_MAX]
        failing = [one for one in sums if one.failed or one.retried]
        failing.sort(key=lambda one: (-one.failed, -one.retried))
        names = {one.job_name for one in (*busiest, *slowest)}
        times = job_times(since, job_names=names) if names else []
        return cls(
            busiest=busiest,
            slowest=slowest,
            failing=failing[:SHORT_MAX],
            times={one.job_name: one for one in times},
            busy=sum(one.busy for one in sums),
            count=len(sums),
        )


def ranking_of(request: HttpRequest, history: History, addresses: Addresses) -> Ranking:
    """Rank them. Histograms add up slowly, and what they tell changes slowly too."""

    def sees(one: JobSum) -> bool:
        return sight.sees(request, one.job_name)

    hidden = [name for name in registry.names() if not sight.sees(request, name)]
    name = f"ranking-{history.range.key}"
    if hidden:
        name += f"-{sha256(','.join(hidden).encode()).hexdigest()[:16]}"
    figures = kept(name, SECONDS, Figures, lambda: Figures.read(history.since, hidden))
    return Ranking(
        busiest=[_row(one, figures, history, addresses) for one in figures.busiest if sees(one)],
        slowest=[
            ShortRow(one.job_name, addresses.jobs(job=one.job_name), _slow(one, figures))
            for one in figures.slowest
            if sees(one)
        ],
        most_failing=[_failing(one, history, addresses) for one in figures.failing if sees(one)],
        left_out=figures.count - len(figures.busiest),
    )


def _row(one: JobSum, figures: Figures, history: History, addresses: Addresses) -> JobRow:
    times = figures.times.get(one.job_name)
    return JobRow(
        name=one.job_name,
        url=addresses.jobs(job=one.job_name),
        ended=words.number(one.ended),
        failed=words.number(one.failed) if one.failed else "",
        failed_url=_failed_url(one, history, addresses),
        run=_pair(times.run_p50, times.run_p95) if times else ("", ""),
        wait=_pair(times.wait_p50, times.wait_p95) if times else ("", ""),
        busy=words.seconds(one.busy),
        share=round(one.busy / (figures.busy or 1.0) * 100),
    )


def _pair(half: float | None, most: float | None) -> tuple[str, str]:
    return words.seconds(half), words.seconds(most)


def _slow(one: JobSum, figures: Figures) -> str:
    known = figures.times.get(one.job_name)
    most = known.run_p95 if known and known.run_p95 is not None else one.mean
    return _("p95 %(length)s") % {"length": words.seconds(most)}


def _failed_url(one: JobSum, history: History, addresses: Addresses) -> str:
    since = ended_within(history.since)
    return addresses.jobs(job=one.job_name, status=Status.FAILED, q=since)


def _failing(one: JobSum, history: History, addresses: Addresses) -> ShortRow:
    figures = {
        "failed": words.number(one.failed),
        "retried": words.number(one.retried),
        "share": words.number((one.failed or one.retried) / one.ended * 100),
    }
    if one.failed:
        text = _("%(failed)s failed (%(share)s %%), %(retried)s tried again")
        url = _failed_url(one, history, addresses)
    else:
        text = _("%(retried)s tried again (%(share)s %%)")
        url = addresses.jobs(job=one.job_name, status=Status.RETRYING)
    return ShortRow(one.job_name, url, text % figures)
