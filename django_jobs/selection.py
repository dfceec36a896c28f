"""Which jobs are meant: conditions that can be stored, sent to a worker and asked of the database.

Lists show what a selection finds, operations change it, exports write it. None of them counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from django.db.models import Q

from django_jobs.conditions import Condition, only_shown, statuses_of, with_condition
from django_jobs.models import Job, JobQuerySet
from django_jobs.states import TERMINAL, Status

#: Ids that are read at once.
CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True)
class Selection:
    """The jobs that meet all conditions, within bounds.

    Attributes:
        conditions: what is asked of the jobs.
        ids: only these, whatever else is asked; ``None`` for no such limit.
        since: no smaller ids.
        until: no greater ids.
        ended_since: none that ended before.
        as_of: none that was created or ended after this moment of the database's clock.
        pairs: only these jobs in these queues, as ``(job_name, queue)``; ``None`` for all.
    """

    conditions: tuple[Condition, ...] = ()
    ids: tuple[UUID, ...] | None = None
    since: UUID | None = None
    until: UUID | None = None
    ended_since: datetime | None = None
    as_of: datetime | None = None
    pairs: tuple[tuple[str, str], ...] | None = None

    def with_(self, *conditions: Condition, **bounds: Any) -> Self:
        """The same, and more conditions or other bounds."""
        return replace(self, conditions=(*self.conditions, *conditions), **bounds)

    @property
    def statuses(self) -> frozenset[Status]:
        """The statuses that its jobs can have."""
        return statuses_of(self.conditions)

    @property
    def is_by_end(self) -> bool:
        """Whether its jobs come by their end: those of one final status, which has an index so."""
        return len(self.statuses) == 1 and self.statuses <= TERMINAL and self.ids is None

    @property
    def order(self) -> tuple[str, ...]:
        """Newest first, as an index has it."""
        return ("-completed_at", "-pk") if self.is_by_end else ("-pk",)

    def queryset(self) -> JobQuerySet:
        """What the database finds; see :meth:`seen`."""
        jobs = Job.objects.all()
        for number, condition in enumerate(self.conditions):
            jobs = with_condition(jobs, condition, number)
        return self._within_bounds(jobs)

    def seen(self, jobs: Iterable[Job]) -> list[Job]:
        """Those of its jobs whose parameters are shown as they were asked for.

        A search finds no value that a page hides: its finder would know it then.
        """
        asked = [condition for condition in self.conditions if condition.path]
        return [job for job in jobs if all(only_shown(job, one) for one in asked)]

    def chunks(self, size: int = CHUNK) -> Iterator[list[UUID]]:
        """Ids of its jobs, oldest first, read by key: they may change in the meantime."""
        columns = ("job_name", "params") if self._asks_params else ()
        jobs = self.queryset().order_by("pk").only("pk", *columns)
        last: UUID | None = None
        while True:
            found = list((jobs if last is None else jobs.filter(pk__gt=last))[:size])
            if found:
                last = found[-1].pk
                yield [job.pk for job in (self.seen(found) if columns else found)]
            if len(found) < size:
                return

    def as_json(self) -> dict[str, Any]:
        """It as plain JSON."""
        bounds = {
            "ids": None if self.ids is None else [one.hex for one in self.ids],
            "since": _text(self.since),
            "until": _text(self.until),
            "ended_since": _text(self.ended_since),
            "as_of": _text(self.as_of),
            "pairs": None if self.pairs is None else [list(pair) for pair in self.pairs],
        }
        known = {name: value for name, value in bounds.items() if value is not None}
        return {"conditions": [one.as_json() for one in self.conditions], **known}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What :meth:`as_json` made."""
        pairs, ids = stored.get("pairs"), stored.get("ids")
        return cls(
            conditions=tuple(map(Condition.from_json, stored["conditions"])),
            ids=None if ids is None else tuple(map(UUID, ids)),
            since=_uuid(stored.get("since")),
            until=_uuid(stored.get("until")),
            ended_since=_moment(stored.get("ended_since")),
            as_of=_moment(stored.get("as_of")),
            pairs=None if pairs is None else tuple((name, queue) for name, queue in pairs),
        )

    @property
    def _asks_params(self) -> bool:
        return any(condition.path for condition in self.conditions)

    def _within_bounds(self, jobs: JobQuerySet) -> JobQuerySet:
        if self.ids is not None:
            jobs = jobs.filter(pk__in=self.ids)
        if self.since is not None:
            jobs = jobs.filter(pk__gte=self.since)
        if self.until is not None:
            jobs = jobs.filter(pk__lte=self.until)
        if self.ended_since is not None:
            jobs = jobs.filter(completed_at__gte=self.ended_since)
        if self.as_of is not None:
            jobs = jobs.filter(created_at__lte=self.as_of).exclude(completed_at__gt=self.as_of)
        return jobs if self.pairs is None else _of_pairs(jobs, self.pairs)


def _of_pairs(jobs: JobQuerySet, pairs: Sequence[tuple[str, str]]) -> JobQuerySet:
    if not pairs:
        return jobs.none()
    any_of = Q()
    for job_name, queue in pairs:
        any_of |= Q(job_name=job_name, queue=queue)
    return jobs.filter(any_of)


def _text(value: UUID | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value.hex if value else None


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
