"""``why_not_running(job)``: every reason that holds now, the most important one first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from django_jobs.diagnosis.ended import why_ended
from django_jobs.diagnosis.held import how_it_runs
from django_jobs.diagnosis.reason import Code, Reason
from django_jobs.diagnosis.situation import Situation
from django_jobs.diagnosis.waiting import why_delayed, why_pending
from django_jobs.states import DELAYED, TERMINAL, Status

if TYPE_CHECKING:
    from django_jobs.models import Job


def why_not_running(job: Job) -> list[Reason]:
    """What keeps a job from running, or that nothing does; never empty.

    At most three queries, each by an index; one less if the job was read by
    ``Job.objects.observed()``.

    Args:
        job: as it was read; without ``observed()`` it is read anew.

    Raises:
        Job.DoesNotExist: it was deleted.
    """
    situation = Situation.of(job)
    status = situation.job.status
    if status == Status.PENDING:
        return why_pending(situation)
    if status in DELAYED:
        return why_delayed(situation)
    if status == Status.RUNNING:
        return how_it_runs(situation)
    if status in TERMINAL:
        return [why_ended(situation)]
    if status == Status.PENDING_RECOVERY:
        return [_in_buffer()]
    return [_from_the_future(status)]


def is_claimable(reasons: list[Reason]) -> bool:
    """Whether a worker with a free slot would take the job at its next look."""
    return not any(reason.forbids for reason in reasons)


def _in_buffer() -> Reason:
    text = _(
        "It is kept in the enqueue buffer: the database of the jobs was out of reach. A worker "
        "moves it there as soon as it is back."
    )
    return Reason(Code.IN_BUFFER, text, forbids=True, is_trouble=True)


def _from_the_future(status: str) -> Reason:
    text = _("This release does not know the status “%(status)s”; a newer one does.")
    return Reason(Code.UNKNOWN_STATUS, text % {"status": status}, forbids=True)
