"""What goes on after the demo's table: seismometers are asked all the time, to see some life."""

from __future__ import annotations

import random
import time
from typing import Final

from django_jobs import JobContext, job
from django_jobs.models import CronJob
from testproject.quakes.models import Quake

#: The schedule that keeps it going; of the demo, not of the code.
SCHEDULE: Final = "demo.stations"

#: Stations that are asked in a minute.
STATIONS: Final = 40
#: Share of the stations that do not answer.
SILENT: Final = 0.05


def keep_going(enabled: bool = True) -> None:
    """Switch the schedule on or off."""
    schedule, _ = CronJob.objects.get_or_create(
        name=SCHEDULE,
        defaults={"job_name": ask_stations.name, "cron_expression": "* * * * *"},
    )
    CronJob.objects.filter(pk=schedule.pk).update(enabled=enabled, next_run_at=None)


@job(queue="default")
def ask_stations() -> int:
    """Ask every station once within the next minute, and survey one region."""
    chance = random.Random()
    for number in range(STATIONS):
        delay = chance.uniform(0, 55)
        ask_station.using(delay=delay).later(station=f"CI.{100 + number}")
    regions = list(Quake.objects.order_by("region").values_list("region", flat=True).distinct())
    survey.later(region=chance.choice(regions or ["California"]))
    return STATIONS


@job(queue="airports", max_attempts=2, backoff=[5.0])
def ask_station(station: str) -> float:
    """Ask a seismometer how much the ground moves; some do not answer."""
    chance = random.Random()
    time.sleep(chance.lognormvariate(-2.0, 1.0))
    if chance.random() < SILENT:
        raise ConnectionError(f"Station {station} does not answer.")
    return round(chance.uniform(0, 1), 3)


@job(queue="reports")
def survey(context: JobContext, region: str, steps: int = 40) -> str:
    """Look at a region step by step, which takes about half a minute."""
    for step in range(steps):
        context.raise_if_cancelled()
        time.sleep(0.7)
        context.update_progress(100 * (step + 1) / steps, f"{region}: step {step + 1} of {steps}")
    context.log.info("Surveyed", region=region, steps=steps)
    return region
