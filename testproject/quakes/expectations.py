"""What a run of the demo must have brought about; anything else makes it fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django_jobs import Status
from django_jobs.models import CronJob, JobTransition
from testproject.quakes import feed, files
from testproject.quakes.jobs import ALERT_MAGNITUDE, Imported, flaky, hopeless, import_chunk
from testproject.quakes.models import Quake
from testproject.quakes.run import DemoRun


@dataclass(frozen=True)
class Expectation:
    """Something countable, as it should be and as it was found."""

    what: str
    expected: object
    found: object

    @property
    def is_met(self) -> bool:
        """Whether all is well."""
        return self.expected == self.found


def imported(run: DemoRun) -> Imported:
    """What the chunks of the feed came to, all together."""
    chunks = run.jobs().named(import_chunk.name).completed()
    results: list[Imported] = [job.as_result().data or Imported(0, 0, 0) for job in chunks]
    return Imported(
        saved=sum(result.saved for result in results),
        partial=sum(result.partial for result in results),
        bad=sum(result.bad for result in results),
    )


def check(run: DemoRun) -> list[Expectation]:
    """Compare what was found with what must be."""
    return [*_check_work(run), *_check_jobs(run)]


def _check_work(run: DemoRun) -> Iterator[Expectation]:
    sums = imported(run)
    records = len(feed.read_features())
    quakes = Quake.objects.count()
    regions = Quake.objects.values("region").distinct().count()
    strong = Quake.objects.filter(magnitude__gte=ALERT_MAGNITUDE).count()
    written = [file.suffix for file in files.written()]
    yield Expectation("records of the feed read", records, sums.saved + sums.bad)
    yield Expectation("quakes in the database", records - sums.bad, quakes)
    yield Expectation(
        "quakes with their nearest airport", quakes, Quake.objects.exclude(distance=None).count()
    )
    yield Expectation("alert mails in the outbox", strong, files.count_mails())
    yield Expectation("reports, one per region", regions, written.count(".md"))
    yield Expectation("maps", 1, written.count(".svg"))


def _check_jobs(run: DemoRun) -> Iterator[Expectation]:
    planted = [flaky.name, hopeless.name]
    others = run.jobs().exclude(job_name__in=planted).exclude(status=Status.COMPLETED)
    unexpected = sorted({f"{job.job_name} {job.status}" for job in others})
    retries = JobTransition.objects.filter(to_status=Status.RETRYING)
    yield Expectation("other jobs that did not complete", [], unexpected)
    for name, status, failures in (
        (flaky.name, Status.COMPLETED, 2),
        (hopeless.name, Status.FAILED, 1),
    ):
        job = run.jobs().named(name).get()
        yield Expectation(
            f"{name.rpartition('.')[2]}: how it ended, after how many retries",
            f"{status}, {failures}",
            f"{job.status}, {retries.filter(job=job).count()}",
        )
    nightly = CronJob.objects.filter(name="quakes.daily_report", enabled=True)
    yield Expectation("cron entries for the daily report", 1, nightly.count())
