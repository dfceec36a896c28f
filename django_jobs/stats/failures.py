"""How often failures of one kind were seen, and how many jobs wait because of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db import connections
from django.db.models import Count, IntegerField, OuterRef, Subquery, Sum

from django_jobs.models import FailureCount, FailureGroup, FailureState, Job

#: Failed jobs of a group are counted up to this many.
COUNT_MAX: Final = 1000


class _Capped(Subquery):
    """The number of rows of a limited query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) capped)"
    output_field = IntegerField()


def failed_jobs_now(fingerprints: Collection[str]) -> dict[str, int]:
    """Failed jobs of each kind, as an index finds them, up to :data:`COUNT_MAX` and one more."""
    failed: Any = Job.objects.failed().exclude(fingerprint="").order_by()
    if connections[failed.db].vendor == "mysql":
        # Has no way to limit a count for each of many groups.
        found = failed.filter(fingerprint__in=fingerprints).values_list("fingerprint")
        return {one: min(count, COUNT_MAX + 1) for one, count in found.annotate(n=Count("pk"))}
    some = failed.filter(fingerprint=OuterRef("pk")).values("pk")[: COUNT_MAX + 1]
    groups = FailureGroup.objects.filter(pk__in=fingerprints)
    return dict(groups.annotate(failed=_Capped(some)).values_list("pk", "failed"))


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
