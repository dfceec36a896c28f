"""Jobs that are due and do not get their turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, ok, problem, warn
from django_jobs.doctor.patient import Patient
from django_jobs.doctor.wording import listed, span
from django_jobs.doctor.workers import served_queues
from django_jobs.models import Queue
from django_jobs.registry import registry
from django_jobs.stats.together import together

#: A due job that waits longer than this is worth a look.
LONG_WAIT: Final = timedelta(minutes=15)
#: Jobs that are looked at behind each head.
SAMPLE: Final = 50


@examination("unserved queues")
def unserved_queues(patient: Patient) -> Verdict:
    """Queues that have due jobs and no live worker."""
    due = {head.queue for head in patient.heads}
    unserved = sorted(due - served_queues(patient) - _paused(patient).keys())
    if not unserved:
        return ok(f"none of the {len(due)} with due jobs" if due else "no job is due")
    return problem(
        f"jobs are due that no live worker serves: {listed(unserved)}",
        f"Start a worker for it: “manage.py runjobs --queues {unserved[0]}”, or add it to QUEUES.",
    )


@examination("paused queues")
def paused_queues(patient: Patient) -> Verdict:
    """Paused queues that have due jobs."""
    due = {head.queue for head in patient.heads}
    paused = _paused(patient)
    waiting = sorted(due & paused.keys())
    if not waiting:
        return ok(f"{len(paused)} paused, none with due jobs" if paused else "none")
    found = [f"{name} (for {span(patient.age(paused[name]))})" for name in waiting]
    return warn(
        f"jobs are due in paused queues: {listed(found)}",
        f"When the reason is gone: “manage.py jobs_resume {waiting[0]}”.",
    )


@examination("longest wait")
def longest_wait(patient: Patient) -> Verdict:
    """How long the oldest due job waits; those of paused queues have a row of their own."""
    paused = _paused(patient)
    waiting = [head for head in patient.heads if head.queue not in paused]
    if not waiting:
        return ok("no job is due")
    oldest = min(waiting, key=lambda head: head.due)
    wait = patient.age(oldest.due)
    found = f"{span(max(wait.total_seconds(), 0))}, in the queue {oldest.queue}"
    if wait <= LONG_WAIT:
        return ok(found)
    return warn(
        found,
        "More workers or slots (--processes, --concurrency), if the rows above name no other "
        "reason.",
    )


@examination("overdue delayed jobs")
def overdue_delayed_jobs(patient: Patient) -> Verdict:
    """Scheduled and retrying jobs that nobody makes pending."""
    due = patient.jobs.delayed().order_by("scheduled_for").values_list("scheduled_for", flat=True)
    first = due.first()
    late = patient.age(first) if first is not None else timedelta(0)
    if late <= patient.lease:
        return ok("none")
    return problem(
        f"a delayed job has been due for {span(late)} and nobody promotes it",
        "Start a worker without --no-services.",
    )


@examination("unknown jobs")
def unknown_jobs(patient: Patient) -> Verdict:
    """Waiting jobs whose name this code does not know.

    Nobody claims them, so that they gather at the heads of the queues, where they are looked for.
    """
    samples = (waiting.values_list("job_name")[:SAMPLE] for waiting in _samples(patient))
    names = {name for (name,) in together(*samples) if not registry.has(name)}
    if not names:
        return ok("none")
    return warn(
        f"jobs wait whose name this code does not know: {listed(sorted(names))}",
        "Deploy the code that has them, or give the renamed job its old name as an alias; to drop "
        f"them: “manage.py jobs_discard --name {min(names)} --yes”.",
    )


def _samples(patient: Patient) -> list[Any]:
    pending = patient.jobs.pending().in_claim_order()
    heads = [pending.filter(queue=one.queue, priority=one.priority) for one in patient.heads]
    return [*heads, patient.jobs.delayed().order_by("scheduled_for")]


def _paused(patient: Patient) -> dict[str, datetime]:
    """Since when queues are paused, by name."""
    queues = Queue.objects.using(patient.alias).filter(paused_at__isnull=False)
    return {queue.name: queue.paused_at for queue in queues[:1000] if queue.paused_at}
