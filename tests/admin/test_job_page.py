"""The page of one job: state, story, data."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_jobs.admin.jobs import timeline as job_timeline
from django_jobs.models import CronSlot, JobLog, SlotOutcome
from django_jobs.states import Status
from tests.admin.conftest import LogIn
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
    ahead,
)

#: Session, user, job, transitions, log lines; the superuser needs no permissions read.
QUERIES = 7


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, response
    return response.content.decode()


def test_data_is_shown_as_pretty_json(any_status: None, boss: Client) -> None:
    job = JobFactory(
        status=Status.COMPLETED, params={"region": "CA"}, result=[{"ok": True}], progress=100
    )
    text = text_of(boss, page_of(job))
    assert "{\n  &quot;region&quot;: &quot;CA&quot;\n}" in text
    assert "[\n  {\n    &quot;ok&quot;: true\n  }\n]" in text


def test_much_data_is_cut(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.COMPLETED, result=["x" * 100_000])
    text = text_of(boss, page_of(job))
    assert "more characters" in text
    assert len(text) < 60_000


def test_nothing_on_the_page_can_be_edited(boss: Client) -> None:
    text = text_of(boss, page_of(JobFactory(status=Status.PENDING)))
    assert 'name="status"' not in text
    assert 'name="_save"' not in text


def test_each_attempt_has_its_traceback_and_its_lines(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED, failure_count=2, attempt_count=2)
    TransitionFactory(job=job, to_status=Status.PENDING)
    for attempt in (1, 2):
        TransitionFactory(
            job=job, from_status=Status.PENDING, to_status=Status.RUNNING, attempt=attempt
        )
        TransitionFactory(
            job=job,
            from_status=Status.RUNNING,
            to_status=Status.FAILED,
            attempt=attempt,
            reason=f"reason {attempt}",
            error=f"Traceback {attempt}",
        )
        line = {"level": "info", "message": f"line {attempt}", "data": {"n": 1}}
        JobLog.objects.create(job=job, attempt=attempt, at=ago(), **line)
    response = boss.get(page_of(job))
    attempts = response.context["jobs_timeline"].attempts
    assert [attempt.number for attempt in attempts] == [2, 1, 0]
    assert [len(attempt.steps) for attempt in attempts] == [2, 2, 1]
    text = response.content.decode()
    for attempt in (1, 2):
        for word in (f"reason {attempt}", f"Traceback {attempt}", f"line {attempt}"):
            assert word in text


def test_a_long_story_is_cut_at_its_beginning(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_timeline, "LINES_MAX", 2)
    job = JobFactory()
    for number in range(4):
        JobLog.objects.create(job=job, attempt=1, at=ago(), level="info", message=f"line {number}")
    text = text_of(boss, page_of(job))
    assert "line 1" not in text
    assert "line 2" in text
    assert "Only the newest" in text


@pytest.mark.parametrize("page", ["change", "live"])
def test_of_much_text_the_newest_is_whole(any_status: None, boss: Client, page: str) -> None:
    """The page is fetched every other second, and each of a hundred tracebacks may have 64 kB."""
    job = JobFactory()
    for number in range(10):
        error = f"first {number}\n  File x\n{'-' * 60_000}\nValueError: last {number}"
        TransitionFactory(job=job, attempt=number, error=error)
        line = f"line {number} {'-' * 60_000}"
        JobLog.objects.create(job=job, attempt=number, at=ago(), level="info", message=line)
    text = text_of(boss, page_of(job, page))
    assert len(text) < 500_000
    assert "first 9" in text
    assert "line 9" in text
    assert "first 0" not in text
    assert "line 0" not in text
    assert "Only the newest" in text


def test_the_number_of_queries_does_not_grow(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED, tags=["a", "b"], correlation_id="x")
    for number in range(20):
        TransitionFactory(job=job, attempt=number, error="Traceback")
        JobLog.objects.create(job=job, attempt=number, at=ago(), level="info", message="x")
    for page in ("change", "live"):
        with CaptureQueriesContext(connection) as captured:
            text_of(boss, page_of(job, page))
        assert len(captured) <= QUERIES, [one["sql"] for one in captured]


def test_links_lead_on(boss: Client) -> None:
    cron_job = CronJobFactory(job_name="tests.echo")
    job = JobFactory(job_name="tests.echo", correlation_id="import-7", tags=["cron"])
    CronSlot.objects.create(
        cron_job=cron_job, slot_at=ago(minutes=1), outcome=SlotOutcome.FIRED, job_id=job.pk
    )
    text = text_of(boss, page_of(job))
    assert f"{list_of('job')}?q=correlation%3A%22import-7%22" in text
    assert page_of(cron_job) in text
    assert "Return what came in." in text, "the docstring of the job"


def test_an_unknown_job_is_pointed_out(boss: Client) -> None:
    text = text_of(boss, page_of(JobFactory(job_name="long.gone")))
    assert "No job of this name is registered" in text


def test_a_lost_worker_is_pointed_out(any_status: None, boss: Client) -> None:
    running = {"status": Status.RUNNING, "progress": 40, "worker_started_at": ago(minutes=4)}
    lost = text_of(boss, page_of(JobFactory(**running, worker_expires_at=ago(minutes=1))))
    assert "its worker was lost" in lost
    assert "Ready in about" not in lost, "it will not be"
    alive = text_of(boss, page_of(JobFactory(**running, worker_expires_at=ahead(minutes=1))))
    assert "its worker was lost" not in alive
    assert "Ready in about" in alive


def test_the_live_part_tells_when_to_stop_asking(any_status: None, boss: Client) -> None:
    running = JobFactory(status=Status.RUNNING, progress=45, progress_message="half way")
    ended = JobFactory(status=Status.COMPLETED)
    text = text_of(boss, page_of(running, "live"))
    assert 'value="45"' in text
    assert "half way" in text
    assert "data-finished" not in text
    assert "<html" not in text
    assert "data-finished" in text_of(boss, page_of(ended, "live"))
    assert page_of(running, "live") in text_of(boss, page_of(running))


def test_the_live_part_has_the_permission_of_the_page(
    client: Client, log_in: LogIn, any_status: None
) -> None:
    job = JobFactory(status=Status.RUNNING)
    assert client.get(page_of(job, "live")).status_code == 302
    assert log_in().get(page_of(job, "live")).status_code == 403
    assert log_in("view_job").get(page_of(job, "live")).status_code == 200


def test_pages_hold_neither_script_nor_style(any_status: None, boss: Client) -> None:
    """What ``default-src 'self'`` would block."""
    job = JobFactory(status=Status.RUNNING, progress=45)
    for url in (page_of(job), page_of(job, "live"), list_of("job"), reverse("admin:index")):
        text = text_of(boss, url)
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert "<script>" not in text


def test_the_page_leads_to_queue_worker_and_failures_alike(
    any_status: None, boss: Client, log_in: LogIn
) -> None:
    queue = QueueFactory(name="reports")
    worker = WorkerFactory(name="main")
    process = WorkerProcessFactory(worker=worker, host="web-1", pid=4711)
    running = JobFactory(status=Status.RUNNING, queue=queue.name, worker_process=process.pk)
    text = text_of(boss, page_of(running))
    assert page_of(queue) in text
    assert page_of(worker) in text
    assert "process 4711 on web-1" in text
    group = make_group(count=30)
    failed = JobFactory(status=Status.FAILED, fingerprint=group.pk)
    viewer = log_in("view_job")
    for client in (boss, viewer):
        assert f'<a href="{page_of(group)}">failed like this 30 times</a>' in text_of(
            client, page_of(failed)
        )
    assert page_of(queue) not in text_of(viewer, page_of(running))
    unknown = JobFactory(status=Status.FAILED, fingerprint="0" * 16)
    assert "failed like this" not in text_of(boss, page_of(unknown))


def test_a_reason_leads_to_a_queue_whatever_its_name(any_status: None, boss: Client) -> None:
    # Django reads "_22" in an address as a quotation mark.
    queue = QueueFactory(name="batch_22", paused_at=ago(minutes=1))
    job = JobFactory(status=Status.PENDING, queue=queue.name)
    why = text_of(boss, page_of(job)).partition('id="jobs-why"')[2].partition("</section>")[0]
    link = re.search(r'href="([^"]+/queue/[^"]+)"', why)
    assert link is not None
    assert "<title>batch_22" in text_of(boss, link[1])


def test_the_id_can_be_copied(boss: Client) -> None:
    job = JobFactory(status=Status.PENDING)
    assert f"<code>{job.pk}</code> <button" in text_of(boss, page_of(job))
