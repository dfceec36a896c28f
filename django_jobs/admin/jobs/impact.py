"""What a bulk action would do, told before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs import permissions
from django_jobs.admin.shared import shown, sight
from django_jobs.bulk import touched_by
from django_jobs.jobs import bulk
from django_jobs.models import AuditAction, WorkerProcess
from django_jobs.selection import Selection
from django_jobs.states import Status
from django_jobs.stats import job_times

if TYPE_CHECKING:
    from django.http import HttpRequest

#: Jobs that a preview looks at; of those whose parameters were asked for, less.
LOOKED_AT: Final = 50_000
LOOKED_INTO: Final = 5_000
#: How far back mean run times are taken from.
_PACE: Final = timedelta(days=7)

PERMISSIONS: Final[dict[AuditAction, str]] = {
    AuditAction.RETRY: "retry_job",
    AuditAction.RUN_NOW: "retry_job",
    AuditAction.CANCEL: "cancel_job",
    AuditAction.DISCARD: "discard_job",
    AuditAction.DELETE: "delete_job",
}
_STARTS: Final = frozenset({AuditAction.RETRY, AuditAction.RUN_NOW})

_Kind = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Impact:
    """What an action would do.

    Attributes:
        selection: the jobs it would change, bounded to those that are there now.
        total: how many.
        is_capped: whether there are more.
        by_status: label and number of those that would change.
        others: label and number of those that would not, because of their status.
        forbidden: ``job (queue)`` of those that this user may not do it to.
        work: seconds that all workers together would be busy; ``None`` where nobody knows.
    """

    selection: Selection
    total: int
    is_capped: bool
    by_status: list[tuple[str, int]]
    others: list[tuple[str, int]]
    forbidden: list[str]
    work: float | None

    def sentence(self) -> str:
        """“12,431 jobs: 9,001 failed, 3,430 discarded; about 38 min of work”."""
        text = counted(self.total, self.is_capped)
        if self.by_status:
            text += f": {_listed(self.by_status)}"
        if self.work is not None:
            # It is a guess: the largest unit says enough.
            work = {"length": shown.rough_length(timedelta(seconds=max(self.work, 1)))}
            text += "; " + _("about %(length)s of work at the present pace") % work
        return text

    def rest(self) -> str:
        """What would be left alone."""
        return _listed(self.others)


def counted(count: int, is_capped: bool = False) -> str:
    """“12,431 jobs” or “more than 50,000 jobs”."""
    text = ngettext("%(count)s job", "%(count)s jobs", count) % {"count": shown.number(count)}
    return _("more than %(jobs)s") % {"jobs": text} if is_capped else text


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{shown.number(count)} {label}" for label, count in counts)


def impact(action: AuditAction, selection: Selection, request: HttpRequest) -> Impact:
    """What the action would do to the jobs, as far as this user may."""
    kinds, is_capped = _kinds(selection)
    touched = touched_by(action, selection)
    pairs = {(name, queue) for _status, name, queue in kinds}
    allowed = {pair for pair in pairs if _may(request, action, *pair)}
    if request.POST.get("select_across") != "1" and action in _STARTS:
        # On the page of a bulk job it is known what it would go on with, and who may do that.
        allowed = {pair for pair in allowed if pair[0] != bulk.name}
    if permissions.has_own_rules() or allowed != pairs:
        touched = touched.with_(pairs=tuple(sorted(allowed)))
    done, others = Counter[_Kind](), Counter[str]()
    for (status, name, queue), count in kinds.items():
        if status in touched.statuses and (name, queue) in allowed and name != bulk.name:
            done[status, name, queue] += count
        else:
            others[status] += count
    return Impact(
        selection=touched,
        total=done.total(),
        is_capped=is_capped,
        by_status=_by_status(done),
        others=_labelled(others),
        forbidden=[
            f"{name} ({queue})"
            for name, queue in sorted(pairs - allowed)
            if sight.sees_kind(request, name, queue)
        ],
        work=_work(done) if action in _STARTS else None,
    )


def _may(request: HttpRequest, action: AuditAction, job_name: str, queue: str) -> bool:
    return sight.sees_kind(request, job_name, queue) and permissions.may(
        request.user, PERMISSIONS[action], job_name=job_name, queue=queue
    )


def _kinds(selection: Selection) -> tuple[Counter[_Kind], bool]:
    """How many jobs of each status, name and queue there are, and whether there are more."""
    jobs: Any = selection.queryset().order_by(*selection.order)
    if any(one.path for one in selection.conditions):
        rows = list(jobs.only("status", "job_name", "queue", "params")[: LOOKED_INTO + 1])
        seen = selection.seen(rows[:LOOKED_INTO])
        kinds = Counter((job.status, job.job_name, job.queue) for job in seen)
        return kinds, len(rows) > LOOKED_INTO
    columns = jobs.values_list("status", "job_name", "queue")
    found = list(columns[: LOOKED_AT + 1])
    return Counter(found[:LOOKED_AT]), len(found) > LOOKED_AT


def _by_status(kinds: Counter[_Kind]) -> list[tuple[str, int]]:
    counts = Counter[str]()
    for (status, _name, _queue), count in kinds.items():
        counts[status] += count
    return _labelled(counts)


def _labelled(counts: Counter[str]) -> list[tuple[str, int]]:
    return [(str(Status(status).label), count) for status, count in counts.most_common()]


def _work(kinds: Counter[_Kind]) -> float | None:
    """By mean run times, and by how many jobs run side by side now."""
    names = Counter[str]()
    for (_status, name, _queue), count in kinds.items():
        names[name] += count
    if not names:
        return None
    times = job_times(timezone.now() - _PACE, job_names=list(names))
    means = {one.job_name: one.mean_run for one in times if one.mean_run is not None}
    if not means:
        return None
    busy = sum(count * means.get(name, 0.0) for name, count in names.items())
    return busy / max(_slots(), 1)


def _slots() -> int:
    """How many jobs all live worker processes take at once."""
    queues = WorkerProcess.objects.values_list("worker__queues", flat=True)
    return sum(slots for one in queues for slots in (one or {}).values() if isinstance(slots, int))
