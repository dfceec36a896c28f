"""Sees failures: counts them by kind in memory, and adds the sums to their groups now and then.

Like :mod:`django_jobs.rollups`, which says when: many workers that see the same failure write its
group once in a while, not once each time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db.models import F
from django.db.models.functions import Now

from django_jobs.conf import config
from django_jobs.models import FailureCount, FailureGroup, FailureState
from django_jobs.states import FAILURES
from django_jobs.stores.database.moves import database, lock, writing
from django_jobs.stores.database.retrying import retried
from django_jobs.stores.outages import is_bad_data
from django_jobs.unwritten import Unwritten
from django_jobs.validation import clean_text

if TYPE_CHECKING:
    from django_jobs.fingerprints import Signature
    from django_jobs.states import Status

logger = logging.getLogger("django_jobs")

#: Kinds that wait to be written; what comes on top while a database is away is not counted.
KINDS_MAX: Final = 1000
#: Groups of one transaction.
BATCH: Final = 50
#: How much too early the time of a sighting may be told: it is counted back from the clock of the
#: database, after its answer came.
_TICK: Final = timedelta(milliseconds=500)
#: Releases that a group remembers.
RELEASES_MAX: Final = 20


@dataclass(slots=True)
class Sighting:
    """How often failures of one kind were seen since the last write; times are monotonic."""

    job_name: str
    exception_type: str
    frame: str
    message: str
    count: int
    first_at: float
    last_at: float

    def merge(self, other: Sighting, /) -> None:
        self.message = other.message if other.last_at >= self.last_at else self.message
        self.count += other.count
        self.first_at = min(self.first_at, other.first_at)
        self.last_at = max(self.last_at, other.last_at)


#: By fingerprint.
_unwritten: Final[Unwritten[str, Sighting]] = Unwritten(KINDS_MAX)


def see(job_name: str, status: Status, signature: Signature, message: str) -> None:
    """See an attempt that failed, whether it is retried or not.

    Args:
        job_name: of the job.
        status: where the attempt took it; only what failed is seen.
        signature: tells its kind.
        message: one line, without the job's secrets.
    """
    if status not in FAILURES:
        return
    now = time.monotonic()
    kind, frame = (clean_text(text, 200) for text in signature[1:])
    line = clean_text(message, 500)
    _unwritten.add(signature.fingerprint, Sighting(job_name, kind, frame, line, 1, now, now))


def are_unwritten() -> bool:
    """Whether there is something for :func:`write`."""
    return bool(_unwritten)


def write() -> None:
    """Add what was seen to its groups; what can't be written now is kept for the next time."""
    # In one order, so that of many writers at once none waits for one that waits for it.
    waiting = sorted(_unwritten.take().items())
    for start in range(0, len(waiting), BATCH):
        batch = dict(waiting[start : start + BATCH])
        try:
            _write(batch)
        except Exception as error:  # noqa: BLE001 - statistics must not end a worker
            logger.warning("Failures could not be added to their groups: %s", error)
            if is_bad_data(error):
                continue  # it would be refused the next time, too
            for fingerprint, sighting in batch.items():
                _unwritten.add(fingerprint, sighting)


@retried
def _write(seen: dict[str, Sighting]) -> None:
    _make_missing(seen)
    groups: Any = FailureGroup.objects.using(database()).filter(pk__in=list(seen))
    with writing():
        rows: Any = lock(groups.order_by("pk"), skip_locked=False).annotate(db_now=Now())
        for group in rows:
            _merge(group, seen[group.pk], group.db_now)


def _make_missing(seen: dict[str, Sighting]) -> None:
    """Groups that are new, without a count: of two who make one, the second finds it made.

    Committed before the counts are added, so that rows are always locked in one order.
    """
    groups = FailureGroup.objects.using(database())
    known = set(groups.filter(pk__in=list(seen)).values_list("pk", flat=True))
    missing = [
        FailureGroup(
            fingerprint=fingerprint,
            job_name=one.job_name,
            exception_type=one.exception_type,
            frame=one.frame,
            first_seen_at=_at(one.first_at),
            last_seen_at=_at(one.last_at),
        )
        for fingerprint, one in seen.items()
        if fingerprint not in known
    ]
    if missing:
        with writing():
            groups.bulk_create(missing, ignore_conflicts=True)


def _at(moment: float) -> Any:
    """A time of this process by the clock of the database."""
    return Now() - timedelta(seconds=time.monotonic() - moment)


def _merge(group: FailureGroup, seen: Sighting, now: datetime) -> None:
    """Add what was seen to a group that this transaction has locked."""
    last = now - timedelta(seconds=time.monotonic() - seen.last_at)
    group.state = state_after(group, last, config.RELEASE)
    group.releases = _with_release(group.releases, config.RELEASE, seen.count, last)
    group.last_seen_at = max(group.last_seen_at, last)
    group.message = seen.message
    group.count += seen.count
    group.save(update_fields=["state", "releases", "last_seen_at", "message", "count"])
    _count(group.pk, seen.count, last.replace(minute=0, second=0, microsecond=0))


def _count(fingerprint: str, count: int, hour: datetime) -> None:
    # Whoever holds the lock of the group is the only one who counts for it.
    hours = FailureCount.objects.using(database())
    if not hours.filter(fingerprint=fingerprint, hour=hour).update(count=F("count") + count):
        hours.create(fingerprint=fingerprint, hour=hour, count=count)


def state_after(group: FailureGroup, seen_at: datetime, release: str) -> FailureState:
    """The state of a group of which one was seen: resolved ones may come back.

    What was resolved has come back when it is seen after that, but for old code that still runs:
    with a release to tell them apart, a failure in a release in which the group was seen before
    does not count, unless it is the release that was said to resolve it.
    """
    if group.state != FailureState.RESOLVED:
        return FailureState(group.state)
    is_later = group.resolved_at is None or seen_at + _TICK >= group.resolved_at
    fixed_in = group.resolved_in_release
    failed_in = {one["release"] for one in group.releases}
    is_old_code = bool(release and fixed_in) and release != fixed_in and release in failed_in
    return FailureState.REGRESSED if is_later and not is_old_code else FailureState.RESOLVED


def _with_release(
    releases: Sequence[dict[str, Any]], release: str, count: int, at: datetime
) -> list[dict[str, Any]]:
    """The releases with one more sighting, the one that was seen last at the end."""
    if not release:
        return list(releases)
    rest = [one for one in releases if one["release"] != release]
    known = next((one for one in releases if one["release"] == release), None)
    first = known["first"] if known else at.isoformat()
    total = count + (known["count"] if known else 0)
    newest = {"release": release, "first": first, "last": at.isoformat(), "count": total}
    return [*rest, newest][-RELEASES_MAX:]
