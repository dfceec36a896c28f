"""The search box of the job list: exact words, each looked up where an index can find it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, F, Func, Q, Value

from django_jobs.registry import registry
from django_jobs.states import LIVE

if TYPE_CHECKING:
    from django_jobs.admin.reach import Reach
    from django_jobs.models import JobQuerySet

#: Jobs that one search finds at most.
FOUND_MAX: Final = 1000
_LONGEST_TERM: Final = 200


def search(queryset: JobQuerySet, term: str, reach: Reach) -> JobQuerySet:
    """The newest jobs whose id, correlation id, unique key, tag or name the term is.

    Of registered names a part is enough. One query for each index: joined by OR, the database
    would read the whole table.
    """
    term = term.strip()
    if not term:
        return queryset
    if "\0" in term or len(term) > _LONGEST_TERM:
        return queryset.none()
    found: set[UUID] = set()
    for part in _parts(queryset, term, reach):
        found |= set(part.order_by("-pk").values_list("pk", flat=True)[:FOUND_MAX])
    return queryset.filter(pk__in=sorted(found)[-FOUND_MAX:])


def _parts(queryset: JobQuerySet, term: str, reach: Reach) -> Iterator[JobQuerySet]:
    identifier = _identifier(term)
    if identifier is not None:
        yield queryset.filter(pk=identifier)
    yield queryset.filter(correlation_id=term)
    yield queryset.filter(unique_key=term, status__in=LIVE)
    names = {term, *(name for name in registry.names() if term.lower() in name.lower())}
    unindexed = Q(job_name__in=names) | Q(unique_key=term) | _has_tag(queryset, term)
    yield reach.newest(queryset).filter(unindexed)


def _identifier(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def _has_tag(queryset: JobQuerySet, tag: str) -> Q:
    if connections[queryset.db].features.supports_json_field_contains:
        return Q(tags__contains=[tag])
    return Q(_SQLiteHasTag(F("tags"), Value(tag)))


class _SQLiteHasTag(Func):
    """SQLite has no containment for JSON."""

    template = "EXISTS (SELECT 1 FROM json_each(%(expressions)s))"
    arg_joiner = ") WHERE value = ("
    output_field = BooleanField()
