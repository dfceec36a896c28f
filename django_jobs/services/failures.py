"""What time does to groups of failures: new ones get old, mutes end, and some are forgotten."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from django_jobs.fingerprints import Signature, signature_of_text
from django_jobs.models import FailureCount, FailureGroup, FailureRetry, FailureState, Job
from django_jobs.states import Status
from django_jobs.stores.database.moves import CHUNK, Among, database, jobs, writing
from django_jobs.stores.database.retrying import retried
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

#: A failure is new for this long.
NEW_FOR: Final = timedelta(hours=24)
#: Groups of one transaction.
BATCH: Final = 500
#: Failed jobs, the latest ones, among which those without a fingerprint are looked for.
STRAYS_MAX: Final = 10_000


@retried
def settle_failures() -> int:
    """Turn new groups into ongoing ones and end mutes; return 0: no job is due because of it."""
    groups = FailureGroup.objects.using(database())
    old = groups.filter(state=FailureState.NEW, first_seen_at__lt=Now() - NEW_FOR)
    heard = groups.filter(state=FailureState.MUTED, muted_until__lt=Now())
    for changed in (old, heard):
        ids = list(changed.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if ids:
            with writing():
                changed.filter(pk__in=ids).update(state=FailureState.ONGOING)
    return 0


@retried
def forget_failures(seconds: float) -> int:
    """Delete what was not seen for so long and has no failed jobs; return how many groups."""
    alias, long_ago = database(), Now() - timedelta(seconds=seconds)
    FailureCount.objects.using(alias).filter(hour__lt=long_ago).delete()
    FailureRetry.objects.using(alias).filter(started_at__lt=long_ago).delete()
    # The words of the partial index.
    failed = Job.objects.using(alias).failed().exclude(fingerprint="")
    has_jobs = Exists(failed.filter(fingerprint=OuterRef("pk")))
    unseen = FailureGroup.objects.using(alias).filter(last_seen_at__lt=long_ago)
    return unseen.exclude(has_jobs).delete()[0]


def adopt_strays() -> int:
    """Group failed jobs that have no fingerprint, by their tracebacks; return how many.

    They failed before there were fingerprints, or in a worker of an older release.
    """
    latest = jobs().failed().order_by("-completed_at").values_list("pk", "fingerprint")
    strays = [pk for pk, fingerprint in latest[:STRAYS_MAX] if not fingerprint]
    for start in range(0, len(strays), CHUNK):
        kinds: dict[Signature, list[Job]] = defaultdict(list)
        chunk = jobs().filter(pk__in=strays[start : start + CHUNK])
        for job in chunk.only("job_name", "error", "completed_at"):
            kinds[signature_of_text(job.job_name, job.error)].append(job)
        for kind in sorted(kinds):
            _adopt(kind, kinds[kind])
    return len(strays)


@retried
def _adopt(kind: Signature, found: Sequence[Job]) -> None:
    with writing():
        # One that is retried at this moment is nobody's stray any more.
        strays = jobs().filter(Among([job.pk for job in found], [Status.FAILED]), fingerprint="")
        strays.update(fingerprint=kind.fingerprint)
        FailureGroup.objects.using(database()).bulk_create(
            [_group_of(kind, found)], ignore_conflicts=True
        )


def _group_of(kind: Signature, found: Sequence[Job]) -> FailureGroup:
    times = sorted(job.completed_at for job in found if job.completed_at is not None)
    said = [line for line in found[0].error.splitlines() if line.strip()][-1:]
    return FailureGroup(
        fingerprint=kind.fingerprint,
        job_name=found[0].job_name,
        exception_type=clean_text(kind.exception_type, 200),
        frame=clean_text(kind.frame, 200),
        message=clean_text("".join(said), 500),
        state=FailureState.ONGOING,
        first_seen_at=times[0],
        last_seen_at=times[-1],
        count=len(found),
    )
