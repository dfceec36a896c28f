"""Free words in the search box: exact, each looked up where an index can find it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Q

from django_jobs.admin.jobs.listing import reach
from django_jobs.conditions import has_tag
from django_jobs.registry import registry
from django_jobs.selection import Selection
from django_jobs.states import LIVE
from django_jobs.stats.together import together

if TYPE_CHECKING:
    from django_jobs.models import JobQuerySet

#: Jobs that one search for words finds at most.
FOUND_MAX: Final = 1000
_LONGEST_TERM: Final = 200


def found(selection: Selection, words: str) -> tuple[Selection, bool]:
    """Of a selection the newest jobs whose id, correlation id, unique key, tag or name it is.

    Of registered names a part is enough. Each index is asked for itself: joined by OR, the database
    would read the whole table.

    Returns:
        What was found, and whether names, tags and old unique keys were looked for in the newest
        jobs only.
    """
    newest = reach.within_window(selection)
    ids: set[UUID] = set()
    if len(words) <= _LONGEST_TERM:
        parts = _parts(selection.queryset(), newest.queryset(), words)
        rows = together(*(part.order_by("-pk").values_list("pk")[:FOUND_MAX] for part in parts))
        ids = {pk for (pk,) in rows}
    return selection.with_(ids=tuple(sorted(ids)[-FOUND_MAX:])), reach.is_windowed(newest)


def _parts(jobs: JobQuerySet, newest: JobQuerySet, term: str) -> Iterator[JobQuerySet]:
    identifier = _identifier(term)
    if identifier is not None:
        yield jobs.filter(pk=identifier)
    yield jobs.filter(correlation_id=term)
    yield jobs.filter(unique_key=term, status__in=LIVE)
    names = {term, *(name for name in registry.names() if term.lower() in name.lower())}
    yield newest.filter(Q(job_name__in=names) | Q(unique_key=term) | has_tag(jobs, term))


def _identifier(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None
