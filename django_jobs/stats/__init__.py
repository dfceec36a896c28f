"""What operators read, shared by the admin, the API and metrics; not for the hot path.

:mod:`~django_jobs.stats.live` counts the jobs themselves and is exact; the rest reads the sums that
services and finishers keep, or counts up to a limit: it costs the same however many jobs there are.
"""

from django_jobs.stats.depths import Count, QueueNow, queues_now
from django_jobs.stats.failures import (
    COUNT_MAX,
    failed_jobs_by_age,
    failed_jobs_now,
    seen_by_hour,
    top_failures,
)
from django_jobs.stats.history import (
    DepthPoint,
    JobTimes,
    QueueRate,
    depth_history,
    ended_over_time,
    ended_totals,
    job_times,
    queue_rates,
)
from django_jobs.stats.live import (
    JobStatistics,
    QueueDepth,
    failure_rate,
    job_counts,
    job_statistics,
    queue_depths,
)

__all__ = [
    "COUNT_MAX",
    "Count",
    "DepthPoint",
    "JobStatistics",
    "JobTimes",
    "QueueDepth",
    "QueueNow",
    "QueueRate",
    "depth_history",
    "ended_over_time",
    "ended_totals",
    "failed_jobs_by_age",
    "failed_jobs_now",
    "failure_rate",
    "job_counts",
    "job_statistics",
    "job_times",
    "queue_depths",
    "queue_rates",
    "queues_now",
    "seen_by_hour",
    "top_failures",
]
