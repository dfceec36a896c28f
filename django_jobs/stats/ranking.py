"""Which jobs take the most, fail the most, are the slowest: sums by job, from the rollups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from django_jobs.models import JobRollup
from django_jobs.states import Status


@dataclass(slots=True)
class JobSum:
    """What became of the attempts of one job.

    Attributes:
        job_name: registered name.
        ended: attempts that ended.
        failed: jobs that gave up.
        retried: attempts that failed and are tried again.
        busy: seconds that all attempts took together.
    """

    job_name: str
    ended: int = 0
    failed: int = 0
    retried: int = 0
    busy: float = 0.0

    @property
    def mean(self) -> float:
        """Seconds of an attempt."""
        return self.busy / self.ended if self.ended else 0.0


def job_sums(since: datetime) -> list[JobSum]:
    """The sums of every job of which an attempt ended since then, the busiest first."""
    rows = (
        JobRollup.objects.filter(start__gte=since)
        .values_list("job_name", "outcome")
        .annotate(Sum("count"), Sum("run_total"))
    )
    sums: dict[str, JobSum] = {}
    for job_name, outcome, count, seconds in rows:
        one = sums.setdefault(job_name, JobSum(job_name))
        one.ended += count
        one.busy += seconds
        if outcome == Status.FAILED:
            one.failed += count
        elif outcome == Status.RETRYING:
            one.retried += count
    return sorted(sums.values(), key=lambda one: (-one.busy, one.job_name))
