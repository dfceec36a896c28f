"""Why a job that ended will not run: how it ended, and by whom."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from django_jobs.conf import config
from django_jobs.diagnosis.reason import Code, Reason
from django_jobs.diagnosis.situation import Situation
from django_jobs.diagnosis.wording import moment
from django_jobs.models import Job, JobTransition
from django_jobs.states import Status

#: Actors in whose hands a job speaks for itself: what it said may be secret.
RUNNERS: Final = ("worker:", "caller:")


def why_ended(situation: Situation) -> Reason:
    """What it ended as, when, and why."""
    job = situation.job
    text = _SENTENCES[Status(job.status)](job)
    if job.completed_at is not None:
        text = _("%(sentence)s It ended at %(time)s.") % {
            "sentence": text,
            "time": moment(job.completed_at),
        }
    return Reason(Code.ENDED, text, forbids=True, is_trouble=job.status == Status.FAILED)


def _completed(job: Job) -> str:
    return _("It has run, and well.")


def _failed(job: Job) -> str:
    if job.crash_count >= config.CRASH_LIMIT:
        text = _("It gave up: its worker process died %(count)d times while it ran.")
        return text % {"count": job.crash_count}
    if job.failure_count >= job.max_attempts:
        text = _(
            "It failed %(count)d of %(maximum)d times and gave up. Mend the cause and retry it."
        )
        return text % {"count": job.failure_count, "maximum": job.max_attempts}
    return _("It failed with an error that no retry would mend.")


def _dropped(job: Job) -> str:
    text = _("It was discarded") if job.status == Status.DISCARDED else _("It was cancelled")
    move = _last_move(job)
    if move is None or not move.actor or move.actor.startswith(RUNNERS):
        return text + "."
    text = _("%(dropped)s by %(who)s") % {"dropped": text, "who": move.actor}
    return f"{text}: {move.reason}." if move.reason else f"{text}."


def _expired(job: Job) -> str:
    if job.expires_at is None:
        return _("It had not started in time.")
    return _("It had not started by %(time)s.") % {"time": moment(job.expires_at)}


def _enqueued(job: Job) -> str:
    return _("It has left the enqueue buffer; its row is in the database of the jobs.")


_SENTENCES: Final = {
    Status.COMPLETED: _completed,
    Status.FAILED: _failed,
    Status.DISCARDED: _dropped,
    Status.CANCELLED: _dropped,
    Status.EXPIRED: _expired,
    Status.ENQUEUED: _enqueued,
}


def _last_move(job: Job) -> JobTransition | None:
    moves = JobTransition.objects.using(job._state.db).filter(job_id=job.pk)
    return moves.order_by("-id").first()
