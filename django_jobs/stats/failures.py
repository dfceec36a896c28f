"""How often failures of one kind were seen, and how many jobs wait because of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections
from django.db.models import Count, IntegerField, OuterRef, Q, Subquery, Sum
from django.utils import timezone

from django_jobs.models import FailureCount, FailureGroup, FailureState, Job

#: Failed jobs of a group are counted up to this many.
COUNT_MAX: Final = 1000


class _Capped(Subquery):
    """The number of rows of a limited query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) capped)"
    output_field = IntegerField()


def failed_jobs_now(fingerprints: Collection[str]) -> dict[str, int]:
    """Failed jobs of each kind, as an index finds them, up to :data:`COUNT_MAX` and one more."""
    return {one: count for one, (count,) in failed_jobs_by_age(fingerprints, [None]).items()}


def failed_jobs_by_age(
    fingerprints: Collection[str], ages: Sequence[timedelta | None]
) -> dict[str, list[int]]:
    """Failed jobs of each kind that failed within each of these times, counted alike.

    Args:
        fingerprints: of the kinds.
        ages: how long ago at most; ``None``: however long.
    """
    now = timezone.now()
    since = [Q() if age is None else Q(completed_at__gte=now - age) for age in ages]
    failed: Any = Job.objects.failed().exclude(fingerprint="").order_by()
    if connections[failed.db].vendor == "mysql":
        # Has no way to limit a count for each of many groups.
        found = failed.filter(fingerprint__in=fingerprints).values_list("fingerprint")
        named: dict[str, Any] = {
            f"failed_{place}": Count("pk", filter=one or None) for place, one in enumerate(since)
        }
        rows = found.annotate(**named)
    else:
        counts: list[Any] = [
            _Capped(failed.filter(one, fingerprint=OuterRef("pk")).values("pk")[: COUNT_MAX + 1])
            for one in since
        ]
        named = {f"failed_{place}": count for place, count in enumerate(counts)}
        groups = FailureGroup.objects.filter(pk__in=fingerprints).annotate(**named)
        rows = groups.values_list("pk", *named)
    return {one: [min(count, COUNT_MAX + 1) for count in found] for one, *found in rows}


def seen_by_hour(fingerprints: Collection[str], since: datetime) -> dict[str, dict[datetime, int]]:
    """How often each kind was seen in each hour since then; hours without any are left out."""
    rows = FailureCount.objects.filter(fingerprint__in=fingerprints, hour__gte=since)
    found: dict[str, dict[datetime, int]] = defaultdict(dict)
    for fingerprint, hour, count in rows.values_list("fingerprint", "hour", "count"):
        found[fingerprint][hour] = count
    return found


def top_failures(
    since: datetime, limit: int = 10, *, states: Collection[str] = tuple(FailureState)
) -> list[tuple[FailureGroup, int]]:
    """The kinds that were seen most often since then, each with how often.

    Args:
        since: an hour; what was seen earlier in the same hour is not told apart.
        limit: of kinds.
        states: only kinds in one of these.
    """
    counts = FailureCount.objects.filter(fingerprint=OuterRef("pk"), hour__gte=since).order_by()
    total = counts.values("fingerprint").annotate(total=Sum("count")).values("total")
    groups: Any = FailureGroup.objects.filter(last_seen_at__gte=since, state__in=states)
    seen = groups.annotate(seen=Subquery(total)).filter(seen__gt=0).order_by("-seen", "pk")
    return [(group, group.seen) for group in seen[:limit]]
