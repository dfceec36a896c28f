"""Count the live jobs of every queue once a minute, so that no page has to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models.functions import Now, TruncMinute

from django_jobs.models import QueueSample
from django_jobs.stats import QueueDepth, queue_depths
from django_jobs.stores.database.moves import database, writing


def sample_queues() -> int:
    """Write the samples of this minute unless some worker has; return 0: no job is due by it."""
    samples = QueueSample.objects.using(database())
    this_minute = TruncMinute(Now(), tzinfo=UTC)
    if samples.filter(start=this_minute).exists():
        return 0
    rows = [_sample(depth, this_minute) for depth in queue_depths()]
    with writing():
        # Two workers may have counted at once; the first one's figures are as good.
        samples.bulk_create(rows, ignore_conflicts=True)
    return 0


def _sample(depth: QueueDepth, minute: Any) -> QueueSample:
    since = depth.oldest_pending
    wait = None
    if since is not None:
        now = datetime.now(UTC) if since.tzinfo else datetime.now()  # noqa: DTZ005
        wait = max((now - since).total_seconds(), 0.0)
    return QueueSample(
        start=minute,
        queue=depth.name,
        pending=depth.pending,
        running=depth.running,
        scheduled=depth.scheduled,
        retrying=depth.retrying,
        oldest_wait=wait,
    )
