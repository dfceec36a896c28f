"""Paging by key: the next page begins after the last row of this one, however deep that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from django.conf import settings
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_jobs.models import Job, JobQuerySet

BEFORE: Final = "before"
AFTER: Final = "after"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Key:
    """Where a row is in a list: by its id, or by its end and its id."""

    pk: UUID
    ended: datetime | None = None

    @classmethod
    def of(cls, job: Job, by_end: bool) -> Self:
        """The key of a row."""
        return cls(job.pk, job.completed_at if by_end else None)

    @classmethod
    def read(cls, text: str, by_end: bool) -> Self:
        """What an address says.

        Raises:
            IncorrectLookupParameters: it is no key of this list.
        """
        head, dot, tail = text.partition(".")
        try:
            if bool(dot) != by_end or len(head) != 32 or len(tail) > 18:
                raise ValueError
            return cls(UUID(head), _moment(int(tail)) if by_end else None)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def __str__(self) -> str:
        return self.pk.hex if self.ended is None else f"{self.pk.hex}.{_number(self.ended)}"

    def older(self) -> Q:
        """The rows after it: older ones."""
        if self.ended is None:
            return Q(pk__lt=self.pk)
        tie = Q(completed_at__lt=self.ended) | Q(pk__lt=self.pk)
        return Q(completed_at__lte=self.ended) & tie

    def newer(self) -> Q:
        """The rows before it: newer ones."""
        if self.ended is None:
            return Q(pk__gt=self.pk)
        tie = Q(completed_at__gt=self.ended) | Q(pk__gt=self.pk)
        return Q(completed_at__gte=self.ended) & tie


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, newest first.

    Attributes:
        jobs: the rows.
        newer, older: the keys of the neighbouring pages; empty where there are none.
        is_newest: whether the list begins here.
    """

    jobs: list[Job]
    newer: str = ""
    older: str = ""
    is_newest: bool = True


def page_of(jobs: JobQuerySet, params: Mapping[str, Any], size: int, by_end: bool) -> Page:
    """The page that an address asks for.

    Args:
        jobs: all of the list, in its order.
        params: ``before`` or ``after`` with a key; the newest page without.
        size: rows of a page.
        by_end: whether the list is ordered by end.
    """
    keys = {name: Key.read(params[name], by_end) for name in (BEFORE, AFTER) if name in params}
    if len(keys) > 1:
        raise IncorrectLookupParameters("before and after")
    if AFTER in keys:
        found = list(jobs.filter(keys[AFTER].newer()).reverse()[: size + 1])
        if len(found) > size:
            rows = found[:size][::-1]
            return Page(rows, *_ends(rows, by_end), is_newest=False)
        keys = {}  # not a full page: the newest one holds all of it
    before = keys.get(BEFORE)
    found = list((jobs.filter(before.older()) if before else jobs)[: size + 1])
    rows = found[:size]
    newer, older = _ends(rows, by_end)
    return Page(
        rows,
        newer=newer if before else "",
        older=older if len(found) > size else "",
        is_newest=before is None,
    )


def _ends(rows: list[Job], by_end: bool) -> tuple[str, str]:
    return (str(Key.of(rows[0], by_end)), str(Key.of(rows[-1], by_end))) if rows else ("", "")


def _number(moment: datetime) -> int:
    aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    return (aware - _EPOCH) // _MICROSECOND


def _moment(number: int) -> datetime:
    moment = _EPOCH + number * _MICROSECOND
    return moment if settings.USE_TZ else timezone.make_naive(moment)
