"""Why a waiting job waits: the conditions of the claim, in the order of their weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db import router
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobs.chains import claim_chain, narrow
from django_jobs.conf import config
from django_jobs.diagnosis.crew import Crew, labels, names
from django_jobs.diagnosis.reason import About, Code, Reason
from django_jobs.diagnosis.situation import Situation
from django_jobs.diagnosis.wording import moment, span
from django_jobs.models import Job, JobQuerySet
from django_jobs.registry import registry
from django_jobs.states import Status

#: So far the line before a job is counted.
LINE_MAX: Final = 1000
#: A job that nothing holds back for longer than this is overdue.
PATIENCE: Final = timedelta(seconds=30)


def why_pending(situation: Situation) -> list[Reason]:
    """Why it has not been claimed yet."""
    crew = Crew.of(situation.job.queue, situation.job.job_name)
    if hindrances := [*_hindrances(situation, crew)]:
        # Nobody waits in line for a closed counter.
        return [*hindrances, *_of_the_crew(crew, only_missing=True)]
    reasons = [*_limits(situation), *_of_the_crew(crew)]
    if ahead := _ahead_of(situation.job):
        reasons.append(_in_line(situation, ahead))
    return reasons or [_should_start(situation)]


def why_delayed(situation: Situation) -> list[Reason]:
    """Why it has not become pending yet, and what will hold it up then."""
    crew = Crew.of(situation.job.queue, situation.job.job_name)
    return [
        _delay(situation, crew),
        *_hindrances(situation, crew),
        *_of_the_crew(crew, only_missing=True),
    ]


def _hindrances(situation: Situation, crew: Crew) -> Iterator[Reason]:
    """Because of these no worker may take the job, however many there are."""
    job = situation.job
    if job.expires_at is not None and job.expires_at <= situation.now:
        text = _("It came too late: it was to start by %(time)s, and will be marked as expired.")
        yield Reason(Code.TOO_LATE, text % {"time": moment(job.expires_at)}, forbids=True)
    if situation.paused_at is not None:
        yield _paused(situation)
    if not (crew.knowing if crew.serving else registry.has(job.job_name)):
        yield _unknown(job, crew)
    if claim_chain and not narrow(_jobs().filter(pk=job.pk)).exists():
        text = _("A claim filter of this site (a plugin) holds it back.")
        yield Reason(Code.FILTERED, text, forbids=True)


def _limits(situation: Situation) -> Iterator[Reason]:
    """The limits of its queue that are reached at this moment; the next job may get through."""
    queue, most, pace = situation.job.queue, situation.max_running, situation.rate_limit
    words = {"queue": queue, "most": most, "pace": pace}
    about = About("queue", queue)
    if most is not None and _jobs().running().for_queue(queue)[:most].count() >= most:
        text = _("The queue “%(queue)s” runs at most %(most)d jobs at once, and it does.")
        yield Reason(Code.MOST_AT_ONCE, text % words, about)
    if pace is not None and situation.claims >= pace:
        text = _("The queue “%(queue)s” starts at most %(pace)d jobs per minute, and it did.")
        yield Reason(Code.MOST_PER_MINUTE, text % words, about)


def _unknown(job: Job, crew: Crew) -> Reason:
    if crew.serving:
        text = _(
            "No live worker of its queue knows “%(job)s”: %(workers)s. Deploy the code that has "
            "it, or give the renamed job its old name as an alias."
        )
    else:
        text = _(
            "No job of this name is registered in this release: “%(job)s” waits for a worker that "
            "knows it. Deploy the code that has it, or give the renamed job its old name as an "
            "alias."
        )
    words = {"job": job.job_name, "workers": ", ".join(labels(crew.serving)[:20])}
    return Reason(Code.UNKNOWN_JOB, text % words, forbids=True, is_trouble=True)


def _paused(situation: Situation) -> Reason:
    assert situation.paused_at is not None
    text = _("The queue “%(queue)s” is paused since %(time)s (for %(span)s)") % {
        "queue": situation.job.queue,
        "time": moment(situation.paused_at),
        "span": span(situation.since(situation.paused_at)),
    }
    if situation.paused_by:
        text = _("%(paused)s by %(who)s") % {"paused": text, "who": situation.paused_by}
    text += f": {situation.pause_reason}" if situation.pause_reason else "."
    about = About("queue", situation.job.queue)
    return Reason(Code.PAUSED, text, about, forbids=True, is_trouble=True)


def _delay(situation: Situation, crew: Crew) -> Reason:
    job = situation.job
    ahead = situation.until(job.scheduled_for)
    if ahead <= timedelta(0):
        return _not_promoted(situation, crew)
    words: dict[str, Any] = {"time": moment(job.scheduled_for), "span": span(ahead)}
    if job.status == Status.SCHEDULED:
        text = _("It is scheduled for %(time)s, in %(span)s.") % words
        return Reason(Code.SCHEDULED, text, forbids=True)
    words["attempt"] = job.attempt_count
    text = _("Attempt %(attempt)d failed; the next one is at %(time)s, in %(span)s.") % words
    return Reason(Code.RETRY_LATER, text, forbids=True)


def _not_promoted(situation: Situation, crew: Crew) -> Reason:
    late = situation.since(situation.job.scheduled_for)
    if not crew.alive:
        text = _("It has been due for %(span)s, and no worker is alive to notice.")
    elif late <= PATIENCE:
        text = _("It has just become due; a worker notices within %(seconds)d s.")
    else:
        text = _(
            "It has been due for %(span)s, and no worker has noticed: do all of them run with "
            "--no-services?"
        )
    words = {"span": span(late), "seconds": _next_look()}
    is_trouble = not crew.alive or late > PATIENCE
    return Reason(
        Code.NOT_PROMOTED, text % words, About("worker"), forbids=True, is_trouble=is_trouble
    )


def _of_the_crew(crew: Crew, *, only_missing: bool = False) -> Iterator[Reason]:
    """That nobody is there to take it, or nobody has a hand free."""
    queue = crew.queue
    if not crew.alive:
        text = _(
            "No worker is alive: none showed a heartbeat for %(seconds)d s. Start one: %(how)s"
        )
        words = {"seconds": config.LEASE, "how": f"manage.py runjobs --queues {queue}"}
        yield Reason(Code.NO_WORKER, text % words, About("worker"), is_trouble=True)
    elif not crew.serving:
        text = _("No live worker serves the queue “%(queue)s”; they serve: %(others)s.")
        others = ", ".join(crew.other_queues[:20]) or _("none")
        words = {"queue": queue, "others": others}
        yield Reason(Code.NOT_SERVED, text % words, About("worker"), is_trouble=True)
    elif crew.knowing and not crew.taking:
        text = _("The workers of its queue were told to take nothing new: %(workers)s.")
        words = {"workers": ", ".join(names(crew.knowing)[:20])}
        yield Reason(Code.TOLD_TO_STOP, text % words, About("worker"), is_trouble=True)
    elif crew.knowing and crew.busy >= crew.slots and not only_missing:
        text = ngettext(
            "The only slot for jobs of the queue “%(queue)s” is taken; it waits for it.",
            "All %(count)d slots for jobs of the queue “%(queue)s” are taken; it waits for one.",
            crew.slots,
        )
        words = {"count": crew.slots, "queue": queue}
        yield Reason(Code.SLOTS_TAKEN, text % words, About("worker"))


def _ahead_of(job: Job) -> int:
    """How many jobs will be claimed before it, no further than :data:`LINE_MAX` plus one."""
    line = _jobs().pending().for_queue(job.queue).in_claim_order()
    ahead = 0
    # The line from its head, which is what the index has at hand; those before a job, asked for
    # as a condition, would be looked for in all of the queue.
    for job_id, name in line.values_list("pk", "job_name")[: LINE_MAX + 1]:
        if job_id == job.pk:
            return ahead
        ahead += registry.has(name)  # the others hold up nobody
    return LINE_MAX + 1


def _in_line(situation: Situation, ahead: int) -> Reason:
    about = About("queue", situation.job.queue)
    if ahead > LINE_MAX:
        text = _("More than %(count)s jobs are before it in the queue.") % {
            "count": formats.number_format(LINE_MAX, force_grouping=True)
        }
    else:
        text = ngettext(
            "%(count)d job is before it in the queue.",
            "%(count)d jobs are before it in the queue.",
            ahead,
        ) % {"count": ahead}
    return Reason(Code.IN_LINE, text, about)


def _should_start(situation: Situation) -> Reason:
    waited = situation.since(situation.job.scheduled_for)
    if waited > PATIENCE + timedelta(seconds=config.POLL_INTERVAL):
        text = _(
            "Nothing holds it back, and yet it has been due for %(span)s. See what the workers "
            "log, and run: manage.py jobs_doctor"
        )
        return Reason(Code.OVERDUE, text % {"span": span(waited)}, About("worker"), is_trouble=True)
    text = _("Everything is fine: it should start within %(seconds)d s.")
    return Reason(Code.SOON, text % {"seconds": _next_look()})


def _next_look() -> int:
    """Seconds until every idle worker has looked for jobs, their jitter included."""
    return math.ceil(config.POLL_INTERVAL * 1.2) + 1


def _jobs() -> JobQuerySet:
    return Job.objects.using(router.db_for_write(Job))
