"""A report per region: numbers first, then text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django.db.models import Avg, Count, F, Max

from testproject.quakes.models import Quake


@dataclass(frozen=True)
class StrongQuake:
    """One line of a report."""

    happened_at: datetime
    magnitude: float
    place: str
    nearest_airport: str
    distance: float | None


@dataclass(frozen=True)
class Report:
    """What happened in a region.

    Attributes:
        region: its name.
        since: first day that counts.
        quake_count: how many quakes.
        mean_magnitude: of those whose magnitude is known.
        deepest: depth of the deepest in kilometres.
        strongest: the strongest quakes, the strongest first.
    """

    region: str
    since: date
    quake_count: int
    mean_magnitude: float | None
    deepest: float | None
    strongest: list[StrongQuake]


def build(region: str, since: date, top: int) -> Report:
    """Ask the database; ``top`` is how many of the strongest quakes to name."""
    start = datetime.combine(since, time.min, UTC)
    quakes = Quake.objects.filter(region=region, happened_at__gte=start)
    numbers = quakes.aggregate(
        count=Count("id"), mean_magnitude=Avg("magnitude"), deepest=Max("depth")
    )
    strongest = quakes.exclude(magnitude=None).order_by(F("magnitude").desc(), "happened_at")
    return Report(
        region=region,
        since=since,
        quake_count=numbers["count"],
        mean_magnitude=numbers["mean_magnitude"],
        deepest=numbers["deepest"],
        strongest=[_line(quake) for quake in strongest[:top]],
    )


def as_markdown(report: Report) -> str:
    """The report as text."""
    lines = [
        f"# {report.region}",
        "",
        f"{report.quake_count} quakes since {report.since:%d %B %Y}, "
        f"mean magnitude {_shown(report.mean_magnitude)}, "
        f"deepest {_shown(report.deepest)} km.",
        "",
        "| when (UTC) | magnitude | where | nearest airport | km |",
        "|---|--:|---|---|--:|",
    ]
    lines += [
        f"| {quake.happened_at:%Y-%m-%d %H:%M} | {quake.magnitude:.1f} | {quake.place} "
        f"| {quake.nearest_airport} | {_shown(quake.distance)} |"
        for quake in report.strongest
    ]
    return "\n".join(lines) + "\n"


def _line(quake: Quake) -> StrongQuake:
    return StrongQuake(
        happened_at=quake.happened_at,
        magnitude=quake.magnitude or 0.0,
        place=quake.place,
        nearest_airport=quake.nearest_airport,
        distance=quake.distance,
    )


def _shown(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.1f}"
