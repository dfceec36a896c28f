"""Everything on the overview, for its templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from django_jobs.admin.fragments import fragment
from django_jobs.admin.overview.chart import Chart, chart_of
from django_jobs.admin.overview.failures import FailureRow, top_failures
from django_jobs.admin.overview.history import History, range_of
from django_jobs.admin.overview.lamp import lamp_url
from django_jobs.admin.overview.light import Light
from django_jobs.admin.overview.now import glance_of, light_of
from django_jobs.admin.overview.ranking import Ranking, ranking_of
from django_jobs.admin.overview.tiles import Tile, tiles_of
from django_jobs.admin.overview.verdict import Verdict, verdict_on
from django_jobs.admin.shared import shown
from django_jobs.admin.shared.addresses import Addresses
from django_jobs.permissions import may

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


@dataclass(frozen=True, slots=True)
class Overview:
    """What the templates under ``overview/`` show.

    Attributes:
        verdict: the first sentence.
        light: the doctor's; ``None`` if he has not looked lately.
        lamp_url: of the picture that lets him look; empty if he need not.
        tiles: numbers of now.
        chart: how attempts ended over time.
        ranking: jobs that stand out.
        failures: that came most often.
        overdue: schedules that should have fired: name and how late.
        cron_url: all schedules.
        range: key of the chosen range.
    """

    verdict: Verdict
    light: Light | None
    lamp_url: str
    tiles: list[Tile]
    chart: Chart
    ranking: Ranking
    failures: list[FailureRow]
    range: str
    cron_url: str = ""
    overdue: list[tuple[str, str]] = field(default_factory=list)


def may_see(request: HttpRequest) -> bool:
    """Whether the user may see how the jobs do."""
    return may(request.user, "view_job")


def overview_of(request: HttpRequest) -> Overview:
    """Read the overview in the range that the address names."""
    addresses = Addresses.of(request)
    history = History.read(range_of(request.GET.get("range")))
    now, seen = glance_of(request), light_of(request)
    return Overview(
        verdict=verdict_on(now, history.failed_lately(), seen, addresses),
        light=seen,
        lamp_url=lamp_url(seen, addresses),
        tiles=tiles_of(now, history, addresses),
        chart=chart_of(request, history, addresses),
        ranking=ranking_of(request, history, addresses),
        failures=top_failures(request, history.since, addresses),
        range=history.range.key,
        cron_url=addresses.page("cronjob"),
        overdue=[(name, shown.rough_length(late)) for name, late in now.overdue.items()],
    )


def context_of(request: HttpRequest) -> dict[str, object]:
    """The overview and where it is fetched again from."""
    overview = overview_of(request)
    query = {"range": overview.range}
    url = Addresses.of(request).find("django_jobs_overview_live", query=query)
    return {"overview": overview, "overview_live_url": url}


def live_view(request: HttpRequest) -> HttpResponseBase:
    """The parts of the overview that change."""
    if not may_see(request):
        raise PermissionDenied
    context = {"overview": overview_of(request)}
    return fragment(request, "admin/django_jobs/overview/live.html", context)
