"""Counts the ends of attempts in memory and writes the sums now and then.

What a killed process had not written yet is missing from the statistics, at most
:data:`INTERVAL` seconds of it; the jobs themselves are not concerned.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final

from django.db.models.functions import Now, TruncMinute

from django_jobs import sightings
from django_jobs.conf import config
from django_jobs.histogram import LAST_BUCKET, bucket_of
from django_jobs.models import JobRollup
from django_jobs.stores.database.moves import database, writing
from django_jobs.unwritten import Unwritten

if TYPE_CHECKING:
    from django_jobs.states import Status
    from django_jobs.stores.records import ClaimedJob, Rescued

logger = logging.getLogger("django_jobs")

#: Seconds between two writes of a worker process.
INTERVAL: Final = 5.0

#: Job name, queue, outcome.
_Key = tuple[str, str, str]


def _no_buckets() -> list[int]:
    return [0] * (LAST_BUCKET + 1)


@dataclass(slots=True)
class _Sum:
    count: int = 0
    run_total: float = 0.0
    wait_total: float = 0.0
    runs: list[int] = field(default_factory=_no_buckets)
    waits: list[int] = field(default_factory=_no_buckets)

    def add(self, run: float | None, wait: float | None) -> None:
        self.count += 1
        if wait is not None:
            self.wait_total += wait
            self.waits[bucket_of(wait)] += 1
        if run is not None:
            self.run_total += run
            self.runs[bucket_of(run)] += 1

    def merge(self, other: _Sum, /) -> None:
        self.count += other.count
        self.run_total += other.run_total
        self.wait_total += other.wait_total
        self.runs = [sum(pair) for pair in zip(self.runs, other.runs, strict=True)]
        self.waits = [sum(pair) for pair in zip(self.waits, other.waits, strict=True)]


#: Small: one entry for each job and outcome.
_unwritten: Final[Unwritten[_Key, _Sum]] = Unwritten()


def count(job: ClaimedJob | Rescued, status: Status, duration: float | None) -> None:
    """Count an attempt that ended.

    Args:
        job: as it was claimed, or taken from a lost worker.
        status: where it went.
        duration: seconds it ran; ``None`` if nobody knows.
    """
    if not config.ROLLUPS:
        return
    key = (job.job_name, job.queue, str(status))
    with _unwritten.lock:
        known = _unwritten.sums.get(key)
        if known is None:
            known = _unwritten.sums[key] = _Sum()
        known.add(duration, job.waited)


def are_unwritten() -> bool:
    """Whether there is something for :func:`write`."""
    return bool(_unwritten) or sightings.are_unwritten()


def write() -> None:
    """Append what was counted. When that fails it is kept for the next time: nothing stops for it.

    The minute is the one of the database's clock at the time of writing.
    """
    if sightings.are_unwritten():
        sightings.write()
    sums = _unwritten.take()
    if not sums:
        return
    try:
        with writing():
            JobRollup.objects.using(database()).bulk_create(
                _row(key, one) for key, one in sums.items()
            )
    except Exception as error:  # noqa: BLE001 - statistics must not end a worker
        for key, one in sums.items():
            _unwritten.add(key, one)
        logger.warning("Statistics could not be written; the next try will: %s", error)


def _row(key: _Key, one: _Sum) -> JobRollup:
    job_name, queue, outcome = key
    return JobRollup(
        start=TruncMinute(Now(), tzinfo=UTC),
        job_name=job_name,
        queue=queue,
        outcome=outcome,
        count=one.count,
        run_total=one.run_total,
        wait_total=one.wait_total,
        run_histogram=_histogram(one.runs),
        wait_histogram=_histogram(one.waits),
    )


def _histogram(buckets: list[int]) -> dict[str, int]:
    return {str(bucket): number for bucket, number in enumerate(buckets) if number}
