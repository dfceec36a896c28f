"""What time does to groups of failures: new ones get old, mutes end, and some are forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef
from django.db.models.functions import Now

from django_jobs.models import FailureCount, FailureGroup, FailureRetry, FailureState, Job
from django_jobs.stores.database.moves import database, writing

#: A failure is new for this long.
NEW_FOR: Final = timedelta(hours=24)
#: Groups of one transaction.
BATCH: Final = 500


def settle_failures() -> int:
    """Turn new groups into ongoing ones and end mutes; return 0: no job is due because of it."""
    groups = FailureGroup.objects.using(database())
    old = groups.filter(state=FailureState.NEW, first_seen_at__lt=_ago(NEW_FOR))
    heard = groups.filter(state=FailureState.MUTED, muted_until__lt=Now())
    for changed in (old, heard):
        ids = list(changed.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if ids:
            with writing():
                changed.filter(pk__in=ids).update(state=FailureState.ONGOING)
    return 0


def forget_failures(seconds: float) -> int:
    """Delete what was not seen for so long and has no failed jobs; return how many groups."""
    alias, long_ago = database(), _ago(timedelta(seconds=seconds))
    FailureCount.objects.using(alias).filter(hour__lt=long_ago).delete()
    FailureRetry.objects.using(alias).filter(started_at__lt=long_ago).delete()
    # The words of the partial index.
    failed = Job.objects.using(alias).failed().exclude(fingerprint="")
    has_jobs = Exists(failed.filter(fingerprint=OuterRef("pk")))
    unseen = FailureGroup.objects.using(alias).filter(last_seen_at__lt=long_ago)
    return unseen.exclude(has_jobs).delete()[0]


def _ago(age: timedelta) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(Now() - age, output_field=DateTimeField())
