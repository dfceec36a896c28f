"""The jobs of the demo. Copy them: they are written as jobs should be.

- Arguments name things (where a chunk begins, the ids of quakes): the data stays where it is.
- Every job may run twice, because a worker may die at the wrong moment. So they update
  instead of adding, and look whether the work is done already.
- What a job enqueues, it enqueues in or after the transaction that saves what the new job needs.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from django_jobs import JobContext, Priority, cron, job
from testproject.quakes import airports, feed, files, reports, world_map
from testproject.quakes.models import Quake, RegionReport
from testproject.quakes.reports import Report

#: Quakes of at least this magnitude are worth a mail.
ALERT_MAGNITUDE = 5.0

#: Rows per statement, and per look at the progress.
STEP = 25


@dataclass(frozen=True)
class Imported:
    """What became of a chunk of the feed.

    Attributes:
        saved: quakes that are now in the database.
        partial: those of them without magnitude, place or depth.
        bad: records that could not be used.
    """

    saved: int
    partial: int
    bad: int


@job(queue="imports", priority=Priority.HIGH)
def import_chunk(context: JobContext, first: int, count: int) -> Imported:
    """Import ``count`` records of the feed, from the one at index ``first`` on."""
    chunk = feed.parse(feed.read_features()[first : first + count])
    for problem in chunk.bad:
        context.log.warning("Record left out", problem=problem)
    for start in range(0, len(chunk.quakes), STEP):
        context.raise_if_cancelled()
        _save(chunk.quakes[start : start + STEP])
        done = min(start + STEP, len(chunk.quakes))
        context.update_progress(100 * done / len(chunk.quakes), f"{done} quakes saved")
    if chunk.quakes:
        find_nearest_airports.later(usgs_ids=[quake.usgs_id for quake in chunk.quakes])
    return Imported(saved=len(chunk.quakes), partial=chunk.partial, bad=len(chunk.bad))


def _save(quakes: list[Quake]) -> None:
    """Insert quakes or update those known; all that follows from them is enqueued with them."""
    takes_unique_fields = connection.features.supports_update_conflicts_with_target
    with transaction.atomic():
        Quake.objects.bulk_create(
            quakes,
            update_conflicts=True,
            # MariaDB looks at every unique key, and takes none by name.
            unique_fields=["usgs_id"] if takes_unique_fields else None,
            update_fields=[
                "magnitude",
                "place",
                "region",
                "happened_at",
                "latitude",
                "longitude",
                "depth",
            ],
        )
        for quake in quakes:
            if quake.magnitude is not None and quake.magnitude >= ALERT_MAGNITUDE:
                alert = send_alert.using(unique_key=f"alert:{quake.usgs_id}", subject=quake)
                alert.later(usgs_id=quake.usgs_id)


@job(queue="mail", priority=Priority.CRITICAL, discard_for=(Quake.DoesNotExist,))
def send_alert(usgs_id: str) -> bool:
    """Mail an alert, once per quake; return whether it was sent now.

    A worker that dies between the mail and the note of it sends a second mail. Nobody can do
    better with a mail server, which takes part in no transaction; losing an alert is worse.
    """
    quake = Quake.objects.get(usgs_id=usgs_id)
    if quake.alerted_at is not None:
        return False
    send_mail(
        subject=f"Earthquake: {quake}",
        message=(
            f"{quake}\n{quake.happened_at:%d %B %Y, %H:%M} UTC, depth {quake.depth} km\n"
            f"https://earthquake.usgs.gov/earthquakes/eventpage/{quake.usgs_id}\n"
        ),
        from_email=None,
        recipient_list=["observatory@example.org"],
    )
    Quake.objects.filter(pk=quake.pk).update(alerted_at=timezone.now())
    return True


@job(queue="airports", timeout=300)
def find_nearest_airports(context: JobContext, usgs_ids: list[str]) -> int:
    """Find the airports nearest to some quakes; return how many quakes got theirs."""
    quakes = list(Quake.objects.filter(usgs_id__in=usgs_ids))
    for start in range(0, len(quakes), STEP):
        context.raise_if_cancelled()
        step = quakes[start : start + STEP]
        for quake in step:
            quake.nearest_airport, quake.distance = airports.nearest(
                quake.latitude, quake.longitude
            )
        Quake.objects.bulk_update(step, ["nearest_airport", "distance"])
        done = start + len(step)
        context.update_progress(100 * done / len(quakes), f"{done} of {len(quakes)} quakes")
    return len(quakes)


@job(queue="reports", max_attempts=5)
def region_report(context: JobContext, region: str, since: date, top: int = 10) -> Report:
    """Write the report of a region: a file and a row."""
    report = reports.build(region, since, top)
    context.update_progress(50, "numbers are there")
    file = files.write(files.report_name(region), reports.as_markdown(report))
    RegionReport.objects.update_or_create(
        region=region,
        defaults={
            "since": since,
            "quake_count": report.quake_count,
            "strongest": report.strongest[0].magnitude if report.strongest else None,
            "file": file,
        },
    )
    return report


@job(queue="reports")
def draw_map(context: JobContext) -> str:
    """Draw all quakes on a map; return the name of the SVG file."""
    context.update_progress(10, "reading the quakes")
    quakes = list(Quake.objects.exclude(magnitude=None).order_by("magnitude"))
    context.update_progress(50, f"drawing {len(quakes)} quakes")
    points = [
        world_map.Point(quake.longitude, quake.latitude, quake.magnitude or 0.0, str(quake))
        for quake in quakes
    ]
    return files.write("earthquakes.svg", world_map.draw(points, airports.positions()))


@job(queue="reports")
async def count_by_day(context: JobContext) -> dict[str, int]:
    """Count the quakes of each day; async, as jobs that wait for many things at once should be."""
    days: Counter[str] = Counter()
    async for happened_at in Quake.objects.values_list("happened_at", flat=True):
        days[happened_at.date().isoformat()] += 1
    context.update_progress(90, f"{len(days)} days")
    counts = dict(sorted(days.items()))
    files.write("quakes_by_day.json", json.dumps(counts, indent=2) + "\n")
    return counts


@cron("0 3 * * *", timezone="America/Los_Angeles", name="quakes.daily_report")
@job(queue="reports", priority=Priority.HIGH)
def daily_report() -> int:
    """Start the reports of all regions, the map and the counts; return how many jobs that is."""
    latest = Quake.objects.aggregate(latest=Max("happened_at"))["latest"]
    if latest is None:
        return 0
    since = latest.date() - timedelta(days=7)
    regions = Quake.objects.order_by("region").values_list("region", flat=True).distinct()
    # All or none: should this attempt fail, the next one enqueues nothing twice.
    with transaction.atomic():
        started = region_report.later_many([{"region": name, "since": since} for name in regions])
        draw_map.later()
        count_by_day.later()
    return len(started) + 2


@job(max_attempts=3, backoff=[0.5, 1.0])
def flaky(context: JobContext) -> str:
    """Fail twice, then succeed: what a shaky network does to a job."""
    if context.attempt < 3:
        raise ConnectionError(f"The seismometer does not answer (attempt {context.attempt}).")
    return f"answered at attempt {context.attempt}"


@job(max_attempts=2, backoff=[0.5])
def hopeless() -> None:
    """Fail for good and end as a dead letter: status “failed”, which waits for an operator.

    A job that sees by itself that no attempt can succeed raises ``Discard(reason)`` instead:
    it ends as “discarded”, at once, and nobody needs to look.
    """
    raise RuntimeError("The seismometer is under water.")
