"""How it is with a running job: alive, asked to stop, or in the hands of a lost worker."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

from django.db import router
from django.utils.translation import gettext as _

from django_jobs.conf import config
from django_jobs.diagnosis.reason import About, Code, Reason
from django_jobs.diagnosis.situation import Situation
from django_jobs.diagnosis.wording import moment, span
from django_jobs.models import Job, WorkerProcess


def how_it_runs(situation: Situation) -> list[Reason]:
    """What is odd about it, or that it runs."""
    return [*_oddities(situation)] or [_runs(situation)]


def _oddities(situation: Situation) -> Iterator[Reason]:
    job = situation.job
    lease_ends = job.worker_expires_at
    process = _process(job)
    if lease_ends is not None and lease_ends <= situation.now:
        text = _(
            "Its worker was lost: the lease ran out at %(time)s, %(span)s ago. A live worker takes "
            "the job back within %(seconds)d s."
        )
        words = {
            "time": moment(lease_ends),
            "span": span(situation.since(lease_ends)),
            "seconds": math.ceil(config.SWEEP_INTERVAL),
        }
        yield Reason(Code.LEASE_EXPIRED, text % words, About("worker"), True, True)
    elif lease_ends is not None and job.worker_process and not _is_alive(process, situation):
        yield _silent(process, situation)
    if job.cancel_requested_at is not None:
        text = _(
            "It was asked to stop at %(time)s, %(span)s ago; it ends when it looks at "
            "context.cancelled."
        )
        asked = job.cancel_requested_at
        words = {"time": moment(asked), "span": span(situation.since(asked))}
        yield Reason(Code.CANCEL_REQUESTED, text % words, forbids=True)


def _silent(process: WorkerProcess | None, situation: Situation) -> Reason:
    lease_ends = situation.job.worker_expires_at
    assert lease_ends is not None
    words = {"time": moment(lease_ends), "span": span(situation.until(lease_ends))}
    if process is None:
        # Not a worker's: execute_from_database() in some process of the site.
        text = _(
            "The process that runs it is no worker that is alive. Should it be lost, the job is "
            "taken back when its lease runs out: %(time)s, in %(span)s."
        )
        return Reason(Code.SILENT_WORKER, text % words, forbids=True)
    text = _(
        "Its worker %(worker)s has been silent for %(silence)s. Unless it comes back, the job is "
        "taken back when its lease runs out: %(time)s, in %(span)s."
    )
    words |= {
        "worker": process.worker_id,
        "silence": span(situation.since(process.last_heartbeat_at)),
    }
    about = About("worker", process.worker_id)
    return Reason(Code.SILENT_WORKER, text % words, about, forbids=True, is_trouble=True)


def _runs(situation: Situation) -> Reason:
    started = situation.job.worker_started_at or situation.now
    text = _("It is running, for %(span)s.") % {"span": span(situation.since(started))}
    return Reason(Code.RUNNING, text, forbids=True)


def _process(job: Job) -> WorkerProcess | None:
    if job.worker_process is None:
        return None
    processes = WorkerProcess.objects.using(router.db_for_write(Job))
    return processes.filter(pk=job.worker_process).first()


def _is_alive(process: WorkerProcess | None, situation: Situation) -> bool:
    if process is None:
        return False
    # Two beats may be late before anybody wonders.
    patience = timedelta(seconds=max(config.heartbeat_interval * 2, 5))
    return situation.since(process.last_heartbeat_at) <= patience
