"""The overview: what it says, what it costs, who sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse, reverse_lazy

from django_jobs.admin.overview.history import RANGES
from django_jobs.admin.overview.kept import forget, keep
from django_jobs.admin.overview.light import KEPT, NAME, SECONDS, Light
from django_jobs.admin.overview.page import Overview
from django_jobs.models import (
    AuditAction,
    CronSlot,
    FailureCount,
    JobAudit,
    JobRollup,
    QueueSample,
    SlotOutcome,
    WorkerState,
)
from django_jobs.states import Status
from django_jobs.stats import glance
from tests.admin.conftest import LogIn
from tests.admin.failing import make_group
from tests.admin.pages import page_of
from tests.admin.statements import MOST_QUERIES, asked_by
from tests.factories import (
    CronJobFactory,
    JobFactory,
    QueueFactory,
    WorkerFactory,
    ago,
    ahead,
)

URL = "/admin/django_jobs/"
#: What the overview keeps in the cache.
CACHED = (NAME, *(f"ranking-{one.key}" for one in RANGES))


@pytest.fixture(autouse=True)
def healthy_database(db: None) -> Iterator[None]:
    """The doctor has just looked; what it finds of this machine is not the subject."""
    forget(*CACHED)
    keep(NAME, SECONDS, Light("ok"))
    yield
    forget(*CACHED)


@pytest.fixture
def working(db: None) -> Any:
    return WorkerFactory(name="main", state=WorkerState.RUNNING, last_heartbeat_at=ago())


def rolled_up(outcome: Status, count: int = 1, *, minutes: float = 3, **columns: Any) -> JobRollup:
    """Attempts that ended alike some minutes ago."""
    start = ago(minutes=minutes).replace(second=0, microsecond=0)
    columns = {"job_name": "tests.add", "queue": "default", "run_total": 1.0 * count} | columns
    return JobRollup.objects.create(start=start, outcome=outcome, count=count, **columns)


def sampled(queue: str, *, minutes: float = 1, **columns: Any) -> QueueSample:
    start = ago(minutes=minutes).replace(second=0, microsecond=0)
    return QueueSample.objects.create(start=start, queue=queue, **columns)


def overview(client: Client, url: str = URL) -> Overview:
    response = client.get(url)
    assert response.status_code == 200
    found: Overview = response.context["overview"]
    return found


def sentence(client: Client) -> str:
    return "; ".join(trouble.text for trouble in overview(client).verdict.troubles)


def text_of(client: Client, url: str = URL) -> str:
    return client.get(url).content.decode()


def numbers(client: Client) -> dict[str, str]:
    return {tile.kind: tile.number for tile in overview(client).tiles}


def lamp_on(client: Client, url: str = URL) -> str:
    """The picture that a browser finds on the page and fetches, if there is one."""
    found = re.search(r'<img class="jobs-lamp" src="([^"]+)"', text_of(client, url))
    return client.get(found[1].replace("&amp;", "&")).content.decode() if found else ""


# The verdict


def test_all_is_well(working: Any, boss: Client) -> None:
    JobFactory(status=Status.PENDING)
    assert overview(boss).verdict.level == "good"
    assert "Healthy" in text_of(boss)


@pytest.mark.parametrize("url", [URL, reverse_lazy("admin:index")], ids=["overview", "box"])
def test_nobody_says_healthy_before_the_doctor_has_looked(
    working: Any, boss: Client, url: str
) -> None:
    forget(NAME)
    text = text_of(boss, url)
    assert "Nothing wrong so far" in text
    assert "jobs-verdict-unsure" in text
    assert "Healthy" not in text
    lamp_on(boss, url)
    assert "Nothing wrong so far" not in text_of(boss, url)


def test_a_warning_of_the_doctor_is_in_the_sentence(working: Any, boss: Client) -> None:
    keep(NAME, SECONDS, Light("warn", "journal", "is large"))
    assert sentence(boss) == "the doctor warns"
    assert overview(boss).verdict.level == "fair"
    assert 'id="jobs-light"' in text_of(boss)


def test_nobody_works(boss: Client) -> None:
    assert sentence(boss) == "no worker is running"
    JobFactory(status=Status.PENDING)
    assert sentence(boss) == "no worker is running and 1 job is due"
    assert overview(boss).verdict.level == "bad"


def test_a_queue_that_is_behind_is_named(working: Any, boss: Client) -> None:
    JobFactory(queue="reports", status=Status.PENDING, scheduled_for=ago(minutes=14, seconds=30))
    JobFactory(queue="mail", status=Status.PENDING, scheduled_for=ago(minutes=1))
    assert sentence(boss) == "reports is 14 min behind"
    assert overview(boss).verdict.level == "fair"
    assert "queue=reports&amp;status=pending" in text_of(boss)


def test_many_queues_that_are_behind_are_counted(working: Any, boss: Client) -> None:
    for minutes in (20, 30, 40, 50, 60):
        queue = f"queue-{minutes}"
        JobFactory(queue=queue, status=Status.PENDING, scheduled_for=ago(minutes=minutes))
    assert sentence(boss) == (
        "queue-60 is 60 min behind; queue-50 is 50 min behind; queue-40 is 40 min behind; "
        "2 more queues are behind"
    )
    assert overview(boss).verdict.level == "bad"


def test_a_paused_queue_is_not_behind(working: Any, boss: Client) -> None:
    QueueFactory(name="reports", paused_at=ago(hours=1))
    QueueFactory(name="empty", paused_at=ago(hours=1))
    JobFactory(queue="reports", status=Status.PENDING, scheduled_for=ago(hours=1))
    assert sentence(boss) == "reports is paused and 1 job waits"


def test_silent_workers_and_those_that_stopped(working: Any, boss: Client) -> None:
    WorkerFactory(state=WorkerState.RUNNING, last_heartbeat_at=ago(hours=1))
    WorkerFactory(state=WorkerState.STOPPED, last_heartbeat_at=ago(hours=1))
    assert sentence(boss) == "1 worker silent"


def test_failures_of_the_last_hour(working: Any, boss: Client) -> None:
    rolled_up(Status.FAILED, 12)
    rolled_up(Status.FAILED, 100, minutes=70)
    rolled_up(Status.RETRYING, 5)
    assert sentence(boss) == "12 jobs failed in the last hour"


def test_overdue_schedules(working: Any, boss: Client) -> None:
    CronJobFactory(name="late", next_run_at=ago(hours=3, minutes=5))
    CronJobFactory(name="off", next_run_at=ago(hours=3), enabled=False)
    CronJobFactory(name="in-time", next_run_at=ahead(minutes=1))
    assert sentence(boss) == "1 cron job overdue"
    assert overview(boss).overdue == [("late", "3 h")]


# The tiles


def test_tiles_count_live_and_failed_jobs(any_status: None, boss: Client) -> None:
    for number, status in enumerate(Status, start=1):
        JobFactory.create_batch(number, status=status)
    expected = {
        str(status): str(number)
        for number, status in enumerate(Status, start=1)
        if status in ("pending", "running", "retrying", "failed", "scheduled")
    }
    found = numbers(boss)
    assert found.pop("rate") == "0"
    assert found == expected
    assert 'href="/admin/django_jobs/job/?status=retrying"' in text_of(boss)


def test_the_rate_is_of_the_last_minutes(boss: Client) -> None:
    rolled_up(Status.COMPLETED, 500, minutes=2)
    rolled_up(Status.RETRYING, 500, minutes=2)
    rolled_up(Status.COMPLETED, 5000, minutes=9)
    assert 100 <= float(numbers(boss)["rate"]) <= 125


def test_many_jobs_are_not_counted(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "COUNT_MAX", 3)
    JobFactory.create_batch(5, status=Status.PENDING, queue="a")
    JobFactory.create_batch(2, status=Status.RETRYING)
    JobFactory.create_batch(2, status=Status.SCHEDULED)
    JobFactory.create_batch(5, status=Status.FAILED)
    found = numbers(boss)
    assert (found["pending"], found["failed"]) == ("over 3", "over 3")
    sampled("a", pending=7000, retrying=30, scheduled=1)
    sampled("b", pending=700)
    sampled("a", pending=1, minutes=2)
    found = numbers(boss)
    assert found["pending"] == "about 7,700"
    assert found["retrying"] == "about 30"
    assert found["failed"] == "over 3"


def test_of_many_jobs_the_samples_tell_who_is_behind(
    working: Any, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "COUNT_MAX", 3)
    JobFactory.create_batch(5, status=Status.PENDING, queue="a")
    sampled("a", pending=5)
    sampled("z", pending=5, oldest_wait=600.0)
    assert re.fullmatch(r"z is 1[0-2] min behind", sentence(boss))


def test_sparklines_have_words(boss: Client) -> None:
    sampled("a", pending=3, minutes=60)
    sampled("b", pending=4, minutes=60)
    text = text_of(boss)
    assert "due over 24 hours: at least 7, at most 7" in text


# The chart and the tables


def test_bars_say_how_attempts_ended(boss: Client) -> None:
    rolled_up(Status.COMPLETED, 1234, minutes=0)
    rolled_up(Status.FAILED, 2, minutes=0)
    rolled_up(Status.DISCARDED, 1, minutes=0)
    text = text_of(boss)
    assert "1,234 completed, 2 failed for good, 1 other" in text
    assert text.count('class="jobs-bar ') == 3


@pytest.mark.parametrize(("key", "bars"), [("1h", 30), ("24h", 24), ("7d", 42), ("x", 24)])
def test_each_range_has_its_steps(boss: Client, key: str, bars: int) -> None:
    lengths = {"1h": 50, "24h": 23 * 60, "7d": 6.5 * 24 * 60}
    rolled_up(Status.COMPLETED, 7, minutes=lengths.get(key, 60))
    response = boss.get(URL, {"range": key})
    assert response.content.decode().count('class="jobs-reach"') == bars
    legend = response.context["overview"].chart.legend
    assert {kind: number for kind, _, number in legend}["completed"] == "7"


@pytest.mark.parametrize(("key", "minutes"), [("1h", 20), ("24h", 300), ("7d", 3000)])
def test_bars_lead_to_the_jobs_that_ended_then(
    any_status: None, boss: Client, key: str, minutes: int
) -> None:
    expected = set()
    for status, before in ((Status.FAILED, 0), (Status.COMPLETED, 0), (Status.FAILED, 0.6)):
        at = ago(minutes=minutes * (1 + before))
        expected.add(JobFactory(status=status, completed_at=at).pk)
        rolled_up(status, minutes=minutes * (1 + before))
    chart = overview(boss, f"{URL}?range={key}").chart
    urls = {url for row in chart.rows for _count, url in row.counts if url}
    assert urls == {unescape(url) for url in re.findall(r'<a href="([^"]+)"', chart.picture)}
    lists = [boss.get(url).context["cl"].result_list for url in urls]
    assert sorted(len(jobs) for jobs in lists) == [1, 1, 1]
    assert {job.pk for jobs in lists for job in jobs} == expected


def test_top_failures_are_those_of_the_range(working: Any, boss: Client) -> None:
    often = make_group(1, count=1000, last_seen_at=ago(hours=1))
    lately = make_group(2, count=10, last_seen_at=ago(hours=1))
    muted = make_group(3, state="muted", last_seen_at=ago(hours=1))
    for group, hours, count in ((often, 50, 995), (often, 1, 5), (lately, 1, 10), (muted, 1, 99)):
        hour = ago(hours=hours).replace(minute=0, second=0, microsecond=0)
        FailureCount.objects.create(fingerprint=group.pk, hour=hour, count=count)
    assert [row.count for row in overview(boss).failures] == ["10 times", "5 times"]
    assert [row.count for row in overview(boss, f"{URL}?range=7d").failures] == [
        "1,000 times",
        "10 times",
    ]


def test_deploys_pauses_and_cron_runs_are_marked(boss: Client) -> None:
    JobAudit.objects.create(action=AuditAction.DEPLOY, target="v2", actor="ci", at=ago(minutes=5))
    JobAudit.objects.create(action=AuditAction.PAUSE, target="mail", at=ago(minutes=4))
    JobAudit.objects.create(action=AuditAction.RETRY, target="mail", at=ago(minutes=4))
    JobAudit.objects.create(action=AuditAction.DEPLOY, target="v1", at=ago(days=2))
    cron_job = CronJobFactory(name="nightly", next_run_at=ahead(hours=1))
    for minutes, outcome in ((1, SlotOutcome.FIRED), (2, SlotOutcome.SKIPPED)):
        CronSlot.objects.create(cron_job=cron_job, slot_at=ago(minutes=minutes), outcome=outcome)
    text = text_of(boss)
    assert "deploy v2 by ci" in text
    assert "mail paused" in text
    assert "Cron: nightly ×1" in text
    assert "v1" not in text
    assert text.count("<line y1=") == 2


def test_jobs_are_ranked(boss: Client) -> None:
    rolled_up(Status.COMPLETED, 10, job_name="busy", run_total=100.0, run_histogram={"26": 10})
    rolled_up(Status.COMPLETED, 1, job_name="slow", run_total=50.0, run_histogram={"31": 1})
    rolled_up(Status.FAILED, 3, job_name="broken", run_total=0.1)
    ranking = overview(boss).ranking
    assert [row.name for row in ranking.busiest] == ["busy", "slow", "broken"]
    assert ranking.slowest[0].name == "slow"
    assert [row.figure for row in ranking.most_failing] == ["3 failed (100 %), 0 tried again"]
    assert ranking.busiest[0].run == ("6.8 s", "6.8 s")


# The doctor


def test_the_doctor_is_asked_once_a_minute(boss: Client) -> None:
    forget(NAME)
    JobFactory(status=Status.PENDING, queue="nobodys")
    assert "Doctor: has not looked yet." in text_of(boss)
    lamp_on(boss)
    light = overview(boss).light
    assert light is not None
    assert (light.condition, light.check) == ("problem", "unserved queues")
    assert "manage.py jobs_doctor" in text_of(boss)
    assert "the doctor found a problem" in sentence(boss)
    assert lamp_on(boss) == "", "he need not look"


def test_what_the_doctor_said_is_shown_until_he_has_looked_again(boss: Client) -> None:
    JobFactory(status=Status.PENDING, queue="nobodys")
    keep(NAME, KEPT, Light("warn", "something", "is found", at=time.time() - SECONDS - 1))
    assert "something: is found" in text_of(boss)
    lamp_on(boss)
    assert "unserved queues" in text_of(boss)


def test_the_lamp_is_for_those_who_see_the_overview(log_in: LogIn) -> None:
    url = reverse("admin:django_jobs_overview_lamp")
    assert log_in().get(url).status_code == 403
    answer = log_in("view_job").get(url)
    assert answer["Content-Type"] == "image/svg+xml"
    assert "no-store" in answer["Cache-Control"]


# Live


def test_the_live_part_is_sent_once(working: Any, boss: Client) -> None:
    url = re.search(r'data-url="([^"]+)"', text_of(boss))
    assert url is not None
    live = url[1].replace("&amp;", "&")
    first = boss.get(live)
    assert first.status_code == 200
    assert "Healthy" in first.content.decode()
    assert "<html" not in first.content.decode()
    again = boss.get(live, headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    JobFactory(status=Status.PENDING)
    changed = boss.get(live, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_a_token_alone_is_no_news(boss: Client) -> None:
    """The buttons of a job carry another one in every answer."""
    url = page_of(JobFactory(status=Status.SCHEDULED, scheduled_for=ahead(days=1)), "live")
    first = boss.get(url)
    assert "csrfmiddlewaretoken" in first.content.decode()
    assert boss.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304


# Who, and at what cost


def test_whoever_may_not_see_jobs_gets_djangos_own_page(log_in: LogIn) -> None:
    JobFactory(status=Status.PENDING)
    client = log_in("view_queue")
    response = client.get(URL)
    assert response.status_code == 200
    assert 'id="jobs-verdict"' not in response.content.decode()
    assert "/admin/django_jobs/queue/" in response.content.decode()
    assert client.get(reverse("admin:django_jobs_overview_live")).status_code == 403
    assert log_in().get(URL).status_code == 404


def test_view_job_is_enough(log_in: LogIn) -> None:
    client = log_in("view_job")
    assert overview(client).tiles
    assert client.get(reverse("admin:django_jobs_overview_live")).status_code == 200


def test_models_are_still_listed(boss: Client) -> None:
    assert "app-django_jobs module" in text_of(boss)


def test_a_few_queries_are_enough_even_if_nothing_is_cached(
    any_status: None, working: Any, boss: Client
) -> None:
    for number, status in enumerate(Status):
        JobFactory.create_batch(number, status=status, queue=f"queue-{number}")
        rolled_up(status, job_name=f"job-{number}", run_histogram={"3": 1})
        sampled(f"queue-{number}", pending=number)
    for path in (URL, f"{URL}?range=7d", reverse("admin:django_jobs_overview_live")):
        forget(*CACHED)
        cold = asked_by(boss, path)
        assert len(cold) <= MOST_QUERIES, "\n".join(cold)
        assert not any("run_histogram" in sql for sql in asked_by(boss, path)), "they are kept"


# Elsewhere


def box(user: Any) -> str:
    request: HttpRequest = RequestFactory().get("/")
    request.user = user
    template = Template("{% load django_jobs_admin %}{% jobs_box %}")
    return template.render(Context({"request": request})).strip()


def test_the_box_can_stand_anywhere(any_status: None, boss: Client, log_in: LogIn) -> None:
    JobFactory(status=Status.FAILED)
    user = boss.get(URL).wsgi_request.user
    with CaptureQueriesContext(connection) as captured:
        text = box(user)
    assert "no worker is running" in text
    assert "<strong>1</strong> failed" in text
    assert len(captured) == 3
    assert box(log_in("view_queue").get(URL).wsgi_request.user) == ""


def test_the_front_page_of_an_admin_may_have_the_box(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site, "index_template", "admin/django_jobs/index.html")
    text = text_of(boss, "/admin/")
    assert "jobs-box" in text
    assert "app-auth module" in text


def test_the_navigation_leads_where_the_user_may_go(log_in: LogIn) -> None:
    def links(*permissions: str) -> list[str]:
        text = text_of(log_in(*permissions), "/admin/django_jobs/queue/")
        nav = re.search(r'<nav class="jobs-navigation".*?</nav>', text, re.S)
        return [] if nav is None else re.findall(r">(\w+)</a>", nav[0])

    assert links("view_queue") == ["Overview", "Queues"]
    assert links("view_queue", "view_job", "view_worker")[:4] == [
        "Overview",
        "Jobs",
        "Failures",
        "Queues",
    ]


def test_nothing_stored_becomes_markup(any_status: None, boss: Client) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    forget(NAME)
    JobFactory(job_name=nasty, queue=nasty, status=Status.PENDING, scheduled_for=ago(hours=1))
    rolled_up(Status.FAILED, job_name=nasty, queue=nasty)
    JobAudit.objects.create(action=AuditAction.DEPLOY, target=nasty, actor=nasty, at=ago(minutes=9))
    cron_job = CronJobFactory(name=nasty, next_run_at=ago(hours=1))
    CronSlot.objects.create(cron_job=cron_job, slot_at=ago(), outcome=SlotOutcome.FIRED)
    text = text_of(boss)
    assert "<img src=x" not in text
    assert text.count("&lt;img src=x") > 10
    assert "<img src=x" not in box(boss.get(URL).wsgi_request.user)
