"""What jobs and people wrote is shown as text, wherever it is shown."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from django_jobs.models import CronSlot, JobLog, Queue, SlotOutcome
from django_jobs.states import Status
from tests.admin.pages import list_of, page_of
from tests.factories import (
    CronJobFactory,
    JobFactory,
    QueueFactory,
    TransitionFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ago,
)

CANARY = "<img src=x onerror=alert(1)>"
NASTY = f"{CANARY}</pre></textarea>{{{{7*7}}}}\u202e\x1b[31m"


@pytest.fixture
def pages(any_status: None) -> list[str]:
    """Every page, with a canary in every column that takes text."""
    job = JobFactory(
        job_name=CANARY,
        queue=CANARY,
        status=Status.RETRYING,
        params={NASTY: [NASTY]},
        result={NASTY: NASTY},
        tags=[CANARY, "cron"],
        error=f"  File x\n{NASTY}",
        progress=3,
        progress_message=NASTY,
        correlation_id=CANARY,
        unique_key=CANARY,
    )
    TransitionFactory(job=job, actor=NASTY, reason=NASTY, error=NASTY, attempt=1)
    JobLog.objects.create(
        job=job, attempt=1, at=ago(), level="info", message=NASTY, data={NASTY: NASTY}
    )
    cron_job = CronJobFactory(
        name=CANARY,
        job_name=CANARY,
        cron_expression=CANARY,
        timezone=CANARY,
        params={NASTY: NASTY},
        queue=CANARY,
        last_job=job,
    )
    CronSlot.objects.create(
        cron_job=cron_job, slot_at=ago(), outcome=SlotOutcome.FIRED, job_id=job.pk, reason=NASTY
    )
    queue = QueueFactory(name="reports", paused_at=ago(), paused_by=NASTY, pause_reason=NASTY)
    worker = WorkerFactory(queues={CANARY: CANARY}, version=CANARY, host=CANARY)
    WorkerProcessFactory(worker=worker, host=CANARY)
    rows = [job, cron_job, queue, worker]
    models = ["job", "cronjob", "queue", "worker"]
    return [
        *map(list_of, models),
        *map(page_of, rows),
        page_of(job, "live"),
        page_of(job, "history"),
        f"{list_of('job')}?status=retrying&q={job.pk}",
    ]


def test_d74_nothing_becomes_markup(pages: list[str], boss: Client) -> None:
    for url in pages:
        response = boss.get(url)
        assert response.status_code == 200, url
        text = response.content.decode()
        assert "<img src=x" not in text, url
        assert "&lt;img src=x" in text or "queue" in url, url


def test_d74_it_is_shown_as_it_is(pages: list[str], boss: Client) -> None:
    text = boss.get(pages[4]).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;&lt;/pre&gt;&lt;/textarea&gt;{{7*7}}" in text


@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases refuse to keep it")
def test_half_a_character_breaks_no_page(any_status: None, boss: Client) -> None:
    """The store refuses it; a row written past it is shown and exported all the same."""
    half = {"value": "\ud800"}
    job = JobFactory(status=Status.FAILED, params=half, result=half)
    JobLog.objects.create(job=job, attempt=1, at=ago(), level="info", message="m", data=half)
    for page in ("change", "live"):
        assert "\\ud800" in boss.get(page_of(job, page)).content.decode()
    for kind in ("csv", "json"):
        answer = boss.post(reverse("admin:django_jobs_job_export"), {"format": kind})
        assert b"\\ud800" in b"".join(answer)


def test_a_queue_that_is_none_is_listed_as_text(pages: list[str], boss: Client) -> None:
    """The store refuses such names; a row written past it must not break the list."""
    text = boss.get(list_of("queue")).content.decode()
    assert "&lt;img src=x" in text
    assert Queue.objects.count() == 1
