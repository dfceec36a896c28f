"""The page of a schedule: what became of its times, backfills, and who may do what."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from django_jobs import operations
from django_jobs.admin.cron.strip import SHOWN, latest
from django_jobs.exceptions import InvalidOption
from django_jobs.models import (
    AuditAction,
    AuditSource,
    CronJob,
    CronSlot,
    Job,
    JobAudit,
    SlotOutcome,
)
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import CronJobFactory, JobFactory

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def hourly(**columns: Any) -> CronJob:
    row: CronJob = CronJobFactory(cron_expression="0 * * * *", **columns)
    CronJob.objects.filter(pk=row.pk).update(created_at=MIDNIGHT - timedelta(days=900))
    row.refresh_from_db()
    return row


def form_of(row: CronJob, **changes: str) -> dict[str, str]:
    """What the form of a schedule sends."""
    return {
        "name": row.name,
        "job_name": row.job_name,
        "params": json.dumps(row.params),
        "cron_expression": row.cron_expression,
        "timezone": row.timezone,
        "enabled": "on",
        "queue": row.queue,
        "missed_policy": "latest",
        "missed_max": "10",
        "overlap_policy": "queue",
        "slots-TOTAL_FORMS": "0",
        "slots-INITIAL_FORMS": "0",
        **changes,
    }


def neither_echo_nor_reports(
    user: Any, permission: str, job_name: str | None, queue: str | None
) -> bool:
    """A rule about a job and one about a queue."""
    return job_name != "tests.echo" and queue != "reports"


def slot(row: CronJob, hours: int, outcome: str = SlotOutcome.FIRED, **columns: Any) -> CronSlot:
    late = columns.pop("late", timedelta())
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours)
    made = CronSlot.objects.create(cron_job=row, slot_at=at, outcome=outcome, **columns)
    CronSlot.objects.filter(pk=made.pk).update(created_at=at + late)
    return made


def test_the_strip_tells_what_became_of_each_time(any_status: None, boss: Client) -> None:
    row = hourly(timezone="Europe/Berlin")
    slot(row, 5, job_id=JobFactory(status=Status.COMPLETED).pk)
    slot(row, 4, job_id=JobFactory(status=Status.FAILED).pk, late=timedelta(minutes=7))
    slot(row, 3, SlotOutcome.SKIPPED, reason="the previous run has not ended")
    boxes = latest(row)
    assert len(boxes) == SHOWN
    told_of = [(box.kind, box.note) for box in boxes]
    assert ("completed", "") in told_of
    assert ("failed", "7\xa0min 0\xa0s late") in told_of
    assert ("skipped", "the previous run has not ended") in told_of
    assert boxes[-1].kind == "missed"
    page = boss.get(page_of(row)).content.decode()
    assert "27 missed, 1 completed" in page
    assert "every hour Europe/Berlin" in page


def test_before_it_was_made_nothing_was_missed(db: None) -> None:
    assert latest(CronJobFactory(cron_expression="0 * * * *")) == []


def backfill(client: Client, row: CronJob, **data: str) -> Any:
    data = {"since": "2026-03-02T00:00", "until": "2026-03-02T05:30", **data}
    return client.post(page_of(row, "backfill"), data)


@pytest.fixture(autouse=True)
def in_utc(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"


def test_a_backfill_is_previewed_and_then_enqueues_what_is_missing(boss: Client) -> None:
    row = hourly()
    CronSlot.objects.create(
        cron_job=row, slot_at=MIDNIGHT + timedelta(hours=2), outcome=SlotOutcome.FIRED
    )
    preview = backfill(boss, row)
    assert "5 jobs will be enqueued" in preview.content.decode()
    assert not Job.objects.exists()
    response = backfill(boss, row, confirmed="yes", reason="the server was down")
    assert told(response) == ["5 jobs enqueued."]
    assert Job.objects.count() == 5
    slots = CronSlot.objects.filter(cron_job=row).order_by("slot_at")
    assert [one.slot_at.hour for one in slots] == [0, 1, 2, 3, 4, 5]
    assert slots[0].job_id in set(Job.objects.values_list("pk", flat=True))
    entry = JobAudit.objects.get()
    assert (entry.action, entry.source, entry.actor, entry.count) == (
        AuditAction.BACKFILL,
        AuditSource.ADMIN,
        "boss",
        5,
    )
    assert entry.reason == "the server was down"
    assert LogEntry.objects.count() == 1
    assert "No time in this range is left" in backfill(boss, row).content.decode()


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"since": "2026-03-03T00:00"}, "until"),
        ({"until": "2126-03-03T00:00"}, "until"),
        ({"since": "2020-01-01T00:00"}, "until"),
        ({"since": "soon"}, "since"),
        ({"until": ""}, "until"),
    ],
)
def test_a_bad_range_is_said_at_its_field(boss: Client, data: dict[str, str], field: str) -> None:
    response = backfill(boss, hourly(), confirmed="yes", **data)
    assert set(response.context["form"].errors) == {field}
    assert not Job.objects.exists()
    assert not JobAudit.objects.exists()


def test_a_backfill_twice_enqueues_once(db: None) -> None:
    row = hourly()
    until = MIDNIGHT + timedelta(hours=3)
    assert len(operations.backfill_cron(row, MIDNIGHT, until)) == 4
    assert operations.backfill_cron(row, MIDNIGHT, until) == []
    assert JobAudit.objects.count() == 1


def test_a_thousand_times_at_most(db: None) -> None:
    with pytest.raises(InvalidOption, match="at most 1000 times"):
        operations.backfill_slots(hourly(), MIDNIGHT, MIDNIGHT + timedelta(days=60))
    times = operations.backfill_slots(hourly(), MIDNIGHT, MIDNIGHT + timedelta(hours=999))
    assert len(times) == 1000


def test_running_and_switching_need_manage_cron(log_in: LogIn) -> None:
    row = CronJobFactory(enabled=True)
    client = log_in("view_cronjob", "change_cronjob", "delete_cronjob")
    assert not client.get(page_of(row)).context["jobs_buttons"]
    for button in ("enqueue_now", "disable"):
        assert client.post(page_of(row, "press"), {"button": button}).status_code == 403
    assert backfill(client, row, confirmed="yes").status_code == 403
    row.refresh_from_db()
    assert row.enabled
    assert not Job.objects.exists()


def test_a_sites_rules_protect_the_schedules_of_a_queue(log_in: LogIn, settings: Any) -> None:
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": "tests.admin.test_queue_page.all_but_reports"}
    client = log_in("view_cronjob", "manage_cron")
    one, other = CronJobFactory(name="one", queue="reports"), CronJobFactory(name="other")
    assert not client.get(page_of(one)).context["jobs_buttons"]
    assert client.post(page_of(one, "press"), {"button": "disable"}).status_code == 403
    assert client.get(page_of(one, "backfill")).status_code == 403
    assert client.get(page_of(other, "backfill")).status_code == 200
    response = act(client, "cronjob", "disable", [one, other])
    assert "Skipped, because you may not: one." in told(response)
    assert {row.name for row in CronJob.objects.filter(enabled=False)} == {"other"}


@pytest.mark.parametrize("field", ["job_name", "queue"])
def test_a_sites_rules_count_for_whoever_makes_schedules(
    boss: Client, settings: Any, field: str
) -> None:
    """A schedule enqueues: what may not be enqueued may not be scheduled either."""
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": f"{__name__}.neither_echo_nor_reports"}
    forbidden = {"job_name": "tests.echo", "queue": "reports"}[field]
    theirs = CronJobFactory(**{"name": "theirs", "job_name": "tests.add", field: forbidden})
    mine = CronJobFactory(name="mine", job_name="tests.add", params={"a": 1})
    assert boss.post(page_of(theirs), form_of(theirs, enabled="")).status_code == 403
    assert boss.post(page_of(theirs, "delete"), {"post": "yes"}).status_code == 403
    act(boss, "cronjob", "delete_selected", [theirs, mine], post="yes")
    changed = form_of(mine, **{field: forbidden})
    for url in (page_of(mine), f"{list_of('cronjob')}add/"):
        answer = boss.post(url, {**changed, "name": "new"})
        assert field in answer.context["adminform"].form.errors
    assert set(CronJob.objects.values_list("name", field)) == {
        ("theirs", forbidden),
        ("mine", getattr(mine, field)),
    }
    assert boss.post(page_of(mine), form_of(mine, enabled="")).status_code == 302


def test_jobs_that_only_pages_enqueue_are_not_scheduled(boss: Client) -> None:
    form = boss.get(f"{list_of('cronjob')}add/").context["adminform"].form
    offered = dict(form.fields["job_name"].choices)
    assert "jobs.cleanup" in offered
    assert not {"jobs.bulk", "jobs.retry_failures"} & offered.keys()


def test_a_switch_by_button_is_audited_with_its_reason(boss: Client) -> None:
    row = CronJobFactory(name="nightly", enabled=True)
    boss.post(page_of(row, "press"), {"button": "disable", "reason": "the feed is down"})
    row.refresh_from_db()
    assert not row.enabled
    entry = JobAudit.objects.get()
    assert (entry.action, entry.target, entry.reason) == (
        AuditAction.CHANGE_CRON,
        "nightly",
        "the feed is down",
    )
    assert entry.details == {"enabled": {"before": True, "after": False}}


def test_a_changed_schedule_is_audited_without_its_parameters(boss: Client) -> None:
    row = CronJobFactory(name="nightly", job_name="tests.add", params={"a": 41})
    data = form_of(row, params='{"a": 4711}', cron_expression="0 4 * * *")
    assert boss.post(page_of(row), data).status_code == 302
    (entry,) = JobAudit.objects.all()
    assert entry.details["cron_expression"] == {"before": "*/5 * * * *", "after": "0 4 * * *"}
    assert entry.details["params"] is True
    assert "4711" not in str(entry.details)
    boss.post(page_of(row, "delete"), {"post": "yes"})
    assert JobAudit.objects.order_by("pk").last().details == {"deleted": True}  # type: ignore[union-attr]
