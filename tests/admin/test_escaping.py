"""What jobs and people wrote is shown as text, wherever it is shown."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from django_jobs.models import (
    AuditAction,
    CronSlot,
    JobAudit,
    JobLog,
    Queue,
    SavedFilter,
    SlotOutcome,
)
from django_jobs.states import Status
from tests.admin.failing import make_group
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

CANARY = "\"' onfocus=alert(1) <img src=x onerror=alert(1)>"
NASTY = f"{CANARY}</pre></textarea>{{{{7*7}}}}\u202e\x1b[31m"


#: Pages that show none of it: names of queues are checked, and their rows made by the store.
UNSAID = ("queue", "/live/", "history")


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
    columns = {"frame": CANARY, "exception_type": CANARY, "note": NASTY, "resolved_by": NASTY}
    group = make_group(job_name=CANARY, message=NASTY, releases=[{"release": NASTY}], **columns)
    JobFactory(
        status=Status.FAILED, fingerprint=group.pk, job_name=CANARY, queue=CANARY, error=NASTY
    )
    entry = JobAudit.objects.create(
        action=AuditAction.PAUSE, actor=CANARY, target=CANARY, reason=NASTY, details={NASTY: NASTY}
    )
    SavedFilter.objects.create(owner="boss", name=CANARY, query="status=failed")
    rows = [job, cron_job, queue, worker, group, entry]
    models = ["job", "cronjob", "queue", "worker", "failuregroup", "jobaudit"]
    return [
        page_of(job),
        *map(list_of, models),
        *map(page_of, rows),
        page_of(job, "live"),
        page_of(job, "history"),
        page_of(group, "live"),
        reverse("admin:app_list", args=["django_jobs"]),
        f"{list_of('job')}?status=retrying&q={job.pk}",
        f"{list_of('job')}?{urlencode({'q': CANARY, 'queue': CANARY, 'job': CANARY})}",
        f"{list_of('jobaudit')}?{urlencode({'q': CANARY, 'actor': CANARY})}",
        f"{reverse('admin:django_jobs_catalogue')}?{urlencode({'q': CANARY})}",
    ]


class Markup(HTMLParser):
    """Collects what a browser would run, also where a text broke out of its attribute."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}" for name, _value in attrs if name.startswith("on")]
        self.found += [tag for name, value in attrs if (name, value) == ("src", "x")]


@pytest.mark.parametrize("language", ["en", "de"])
def test_d74_nothing_becomes_markup(pages: list[str], boss: Client, language: str) -> None:
    for url in pages:
        response = boss.get(url, headers={"accept-language": language})
        assert response.status_code == 200, url
        text = response.content.decode()
        assert f'lang="{language}' in text or "/live/" in url, url
        assert not Markup(text).found, url
        assert "<img src=x" not in text, url
        assert "&lt;img src=x" in text or any(one in url for one in UNSAID), url


def test_d74_it_is_shown_as_it_is(pages: list[str], boss: Client) -> None:
    text = boss.get(pages[0]).content.decode()
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
