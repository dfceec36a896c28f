"""Rows with something nasty in every text that the admin shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import models

from django_jobs.models import (
    CronJob,
    CronSlot,
    Job,
    JobLog,
    JobTransition,
    Queue,
    SlotOutcome,
    Worker,
    WorkerProcess,
)
from django_jobs.states import Status
from tests.factories import (
    CronJobFactory,
    JobFactory,
    QueueFactory,
    TransitionFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ago,
)

#: Fits the shortest columns.
SHORT: Final = "<img src=x onerror=__canary=1>"
#: What becomes of a text in element, attribute, script, textarea, template, terminal and address.
LONG: Final = (
    f"{SHORT}<script>__canary=1</script></script><script>alert(1)</script>"
    "\"'><svg onload=alert(2)></pre></textarea></title>{{7*7}}{% now %}"
    "<img src=//elsewhere.invalid/x>\u202etxt.exe\x1b[31m\x07]]><!--"
)
ADDRESS: Final = "javascript:__canary=1//"
#: Part of it as it is read.
READ: Final = "<img src=x onerror="


def nasty(model: type[models.Model]) -> dict[str, Any]:
    """A nasty value for each column of a table that takes any text; new columns too.

    A fingerprint has no room for one, and is nobody's text.
    """
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, models.JSONField):
            values[field.name] = {LONG: [LONG, {SHORT: ADDRESS}]}
        elif isinstance(field, models.CharField | models.TextField) and not field.choices:
            room = field.max_length or len(LONG)
            if room >= len(SHORT):
                values[field.name] = LONG if room >= len(LONG) else SHORT
    return values


@dataclass
class Scene:
    """What there is to look at."""

    running: Job
    failed: Job
    readable: Job
    cron_job: CronJob
    unfit: CronJob
    queue: Queue
    worker: Worker

    @property
    def rows(self) -> list[models.Model]:
        return [
            self.running,
            self.failed,
            self.readable,
            self.cron_job,
            self.unfit,
            self.queue,
            self.worker,
        ]


def make_scene() -> Scene:
    """Fill every table."""
    texts = {**nasty(Job), "tags": [SHORT, LONG, ADDRESS, "cron"]}
    running = JobFactory(**texts, status=Status.RUNNING, progress=3, attempt_count=2)
    texts |= {"unique_key": ADDRESS, "correlation_id": ADDRESS}
    failed = JobFactory(**texts, status=Status.FAILED, attempt_count=1)
    # Of a job that is known here the values are shown, not only the names.
    readable = JobFactory(
        **{**texts, "job_name": "tests.echo", "queue": "default"}, status=Status.COMPLETED
    )
    for job in (running, failed, readable):
        for actor in (nasty(JobTransition)["actor"], f"worker:{SHORT}"):
            story = {**nasty(JobTransition), "actor": actor, "attempt": 1}
            TransitionFactory(**story, job=job, to_status=Status.FAILED)
        JobLog.objects.create(**nasty(JobLog), job=job, attempt=1, at=ago(), level="info")
    cron_job = CronJobFactory(**nasty(CronJob), last_job=failed)
    named = nasty(CronJob) | {"job_name": "tests.add", "name": f"{SHORT}2"}
    unfit = CronJobFactory(**named | {"params": {LONG: LONG}})
    for row in (cron_job, unfit):
        CronSlot.objects.create(
            **nasty(CronSlot),
            cron_job=row,
            slot_at=ago(),
            outcome=SlotOutcome.FIRED,
            job_id=readable.pk,
        )
    texts = {**nasty(Queue), "name": "default"}
    queue = QueueFactory(**texts, paused_at=ago())
    QueueFactory(**nasty(Queue), paused_at=ago())
    worker = WorkerFactory(**nasty(Worker) | {"queues": {LONG: LONG}})
    WorkerProcessFactory(**nasty(WorkerProcess), worker=worker)
    return Scene(running, failed, readable, cron_job, unfit, queue, worker)
