"""The due jobs, seen without reading them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django_jobs.models import JobQuerySet

#: Pairs of queue and priority that are looked up.
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Head:
    """The first pending job of a queue and priority: the one that waits longest of them."""

    queue: str
    priority: int
    due: datetime


def heads(pending: JobQuerySet) -> list[Head]:
    """The head of each queue and priority.

    It hops through the index of pending jobs, from each pair to the next: as many lookups as there
    are pairs, whether ten jobs wait or ten million.
    """
    in_order = pending.order_by("queue", "priority", "scheduled_for", "id")
    found: list[Head] = []
    head = _first(in_order)
    while head is not None and len(found) < MOST:
        found.append(head)
        next_priority = in_order.filter(queue=head.queue, priority__gt=head.priority)
        head = _first(next_priority) or _first(in_order.filter(queue__gt=head.queue))
    return found


def _first(pending: JobQuerySet) -> Head | None:
    row = pending.values_list("queue", "priority", "scheduled_for").first()
    return None if row is None else Head(*row)
