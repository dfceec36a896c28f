"""The page of a queue: estimates, pauses that end, limits, and what a site's own rules forbid."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from django_jobs import operations, stats
from django_jobs.models import AuditAction, AuditSource, JobAudit, Queue, QueueSample, WorkerState
from django_jobs.states import Status
from django_jobs.stats import depths
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import JobFactory, QueueFactory, WorkerFactory, ago

NO_REPORTS = "tests.admin.test_queue_page.all_but_reports"


def all_but_reports(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    return queue != "reports"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three jobs are too many to count."""
    monkeypatch.setattr(depths, "COUNTED_MAX", 2)


@pytest.fixture
def forbidding(settings: Any) -> None:
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": NO_REPORTS}


def shown(client: Client, name: str) -> str:
    return client.get(page_of(Queue(name=name))).content.decode()


def test_many_jobs_are_not_counted_but_taken_from_the_latest_sample(
    few: None, boss: Client
) -> None:
    JobFactory.create_batch(3, queue="reports")
    start = timezone.now().replace(second=0, microsecond=0)
    QueueSample.objects.create(start=start, queue="reports", pending=12_345, oldest_wait=7200)
    page = shown(boss, "reports")
    assert "about 12,345" in page
    assert "about 2\xa0h 0\xa0min" in page
    assert "A worker counted them at" in boss.get(list_of("queue")).content.decode()


def test_without_a_sample_many_are_at_least_what_was_counted(few: None, boss: Client) -> None:
    JobFactory.create_batch(3, queue="reports")
    assert "3 or more" in shown(boss, "reports")


def test_few_jobs_are_counted_exactly_whatever_the_sample_says(db: None) -> None:
    JobFactory.create_batch(3, queue="reports")
    QueueSample.objects.create(start=ago(minutes=1), queue="reports", pending=99)
    now = stats.queues_now()["reports"]
    assert (now.pending, now.is_estimated) == (3, False)


def test_the_line_of_the_last_day_has_gaps_where_nobody_counted(db: None) -> None:
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    for hours, pending in ((2, 5), (1, 7)):
        start = last - timedelta(hours=hours)
        QueueSample.objects.create(start=start, queue="reports", pending=pending)
    history = stats.queues_now()["reports"].history
    assert [value for value in history if value is not None] == [5, 7]
    assert None in history


def test_jobs_that_nobody_is_going_to_take_stand_out(boss: Client) -> None:
    JobFactory(queue="reports")
    warning = "no live worker serves this queue"
    assert warning in shown(boss, "reports")
    worker = WorkerFactory(
        queues={"reports": 2}, state=WorkerState.RUNNING, last_heartbeat_at=ago(minutes=9)
    )
    assert warning in shown(boss, "reports"), "it is silent"
    worker.last_heartbeat_at = ago(seconds=1)
    worker.save()
    page = shown(boss, "reports")
    assert warning not in page
    assert worker.name in page


def test_the_choice_of_its_length_has_a_name(boss: Client) -> None:
    page = boss.get(page_of(QueueFactory(name="mail"))).content.decode()
    assert '<select name="length" aria-label="Pause"' in page


def test_a_pause_may_end_by_itself(boss: Client) -> None:
    url = page_of(Queue(name="reports"), "press")
    boss.post(url, {"button": "pause", "length": "3600", "reason": "the feed is down"})
    row = Queue.objects.get()
    assert row.paused_until is not None
    assert timedelta(minutes=59) < row.paused_until - timezone.now() <= timedelta(hours=1)
    entry = JobAudit.objects.get()
    assert (entry.source, entry.actor, entry.action) == (
        AuditSource.ADMIN,
        "boss",
        AuditAction.PAUSE,
    )
    assert entry.reason == "the feed is down"
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"length": "7"}, "Pause"),
        ({"until": "soon"}, "or until"),
        ({"until": "2001-01-01T00:00"}, "or until"),
    ],
)
def test_a_bad_end_is_refused_by_name_and_nothing_is_paused(
    boss: Client, data: dict[str, str], field: str
) -> None:
    response = boss.post(page_of(Queue(name="reports"), "press"), {"button": "pause", **data})
    assert told(response)[0].startswith(f"{field}: ")
    assert not Queue.objects.exists()


def test_selected_queues_are_paused_for_a_time_and_a_reason(boss: Client) -> None:
    QueueFactory(name="reports")
    act(boss, "queue", "pause", ["reports"], length="900", reason="upgrade")
    row = Queue.objects.get()
    assert (row.pause_reason, row.paused_until is None) == ("upgrade", False)


def test_limits_are_changed_in_the_form_and_audited(boss: Client) -> None:
    url = page_of(Queue(name="reports"))
    response = boss.post(url, {"max_running": "4", "rate_limit": "", "reason": "be gentle"})
    assert response.status_code == 302
    assert Queue.objects.get().max_running == 4
    entry = JobAudit.objects.get()
    assert (entry.action, entry.source, entry.reason) == (
        AuditAction.LIMIT,
        AuditSource.ADMIN,
        "be gentle",
    )
    assert entry.details == {"max_running": {"before": None, "after": 4}}
    assert LogEntry.objects.get().object_id == "reports"
    assert "of 4 at once" in shown(boss, "reports")


@pytest.mark.parametrize("value", ["0", "-1", "1000001", "many", "1.5"])
def test_a_bad_limit_is_said_at_its_field(boss: Client, value: str) -> None:
    response = boss.post(page_of(Queue(name="reports")), {"rate_limit": value})
    assert set(response.context["adminform"].form.errors) == {"rate_limit"}
    assert not Queue.objects.exists()


@pytest.mark.parametrize("permissions", [("pause_queue",), ("change_queue",), ()])
def test_limits_need_both_permissions(log_in: LogIn, permissions: tuple[str, ...]) -> None:
    client = log_in("view_queue", *permissions)
    url = page_of(QueueFactory(name="reports"))
    assert "max_running" not in getattr(client.get(url).context["adminform"].form, "fields", {})
    assert client.post(url, {"max_running": "4"}).status_code == 403
    assert Queue.objects.get().max_running is None


def test_a_sites_rules_may_forbid_one_queue(forbidding: None, log_in: LogIn) -> None:
    client = log_in("view_queue", "pause_queue", "change_queue")
    one, other = QueueFactory(name="reports"), QueueFactory(name="mails")
    assert not client.get(page_of(one)).context["jobs_buttons"]
    assert client.get(page_of(other)).context["jobs_buttons"]
    assert client.post(page_of(one, "press"), {"button": "pause"}).status_code == 403
    assert client.post(page_of(one), {"max_running": "4"}).status_code == 403
    response = act(client, "queue", "pause", [one, other])
    assert told(response) == ["Skipped, because you may not: reports.", "1 queue paused."]
    paused = {queue.name for queue in Queue.objects.filter(paused_at__isnull=False)}
    assert paused == {"mails"}


def test_running_jobs_are_told_against_the_limit(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(2, queue="reports", status=Status.RUNNING)
    operations.limit_queue("reports", max_running=3, rate_limit=100)
    page = shown(boss, "reports")
    assert re.search(r">2</a> <span[^>]*>of 3 at once", page)
    assert "at most 100 start" in page
