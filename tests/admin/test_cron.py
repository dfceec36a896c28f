"""Schedules: what the form accepts, what its fields say, and what operators do."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_jobs.models import CronJob, CronSlot, Job, SlotOutcome
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import CronJobFactory, JobFactory, ago, ahead

GOOD = {
    "name": "nightly",
    "job_name": "tests.report",
    "params": '{"region": "CA", "since": "2026-01-31", "total": "1.5", "colours": ["red"]}',
    "cron_expression": "0 3 * * *",
    "timezone": "Europe/Berlin",
    "enabled": "on",
    "queue": "",
    "priority": "",
    "missed_policy": "latest",
    "missed_max": "10",
    "overlap_policy": "queue",
}

BAD: list[tuple[str, str, str]] = [
    ("name", "a b", "Letters, digits"),
    ("name", "<script>", "Letters, digits"),
    ("name", "", "required"),
    ("job_name", "os.system", "not one of the available choices"),
    ("job_name", "jobs.bulk", "not one of the available choices"),
    ("job_name", "jobs.retry_failures", "not one of the available choices"),
    ("params", "not json", "valid JSON"),
    ("params", "[1]", "JSON object"),
    ("params", "3", "JSON object"),
    ("params", "__import__('os')", "valid JSON"),
    ("params", "[" * 100_000, "valid JSON"),
    ("params", '{"region": ' + "1" * 5000 + "}", "valid JSON"),
    ("params", "{}", "region"),
    ("params", '{"regoin": "CA"}', "did you mean"),
    ("params", GOOD["params"].replace('"CA"', "7"), "params.region: expected"),
    ("params", GOOD["params"].replace("2026-01-31", "yesterday"), "params.since"),
    ("params", GOOD["params"].replace('"CA"', '"\\u0000"'), "NUL"),
    ("params", GOOD["params"].replace('"1.5"', "NaN"), "params.total"),
    ("cron_expression", "", "required"),
    ("cron_expression", "* * * *", "needs 5 fields"),
    ("cron_expression", "60 * * * *", "minute"),
    ("cron_expression", "@reboot", "@reboot"),
    ("cron_expression", "0 0 30 2 *", "no date"),
    ("timezone", "Mars/X", "no time zone"),
    ("timezone", "../../etc/passwd", "not the name of a time zone"),
    ("queue", "a b", "queue: 3 to 50 letters"),
    ("priority", "99999999999", "whole number from"),
    ("priority", "high", "whole number"),
    ("missed_policy", "never", "not one of the available choices"),
    ("missed_max", "0", "greater than or equal to 1"),
    ("missed_max", "1001", "less than or equal to 1000"),
    ("missed_max", "1.5", "whole number"),
    ("missed_max", "nan", "whole number"),
    ("missed_max", "9" * 5000, "whole number"),
    ("name", "nіghtly", "Letters, digits"),
    ("name", "a\u202eb", "Letters, digits"),
    ("name", "x" * 201, "at most 200 characters"),
    ("name", "a\0b", "Null characters"),
    ("job_name", "tests.аdd", "not one of the available choices"),
    ("params", "\ufeff{}", "valid JSON"),
    ("params", "{} {}", "valid JSON"),
    ("params", GOOD["params"].replace('"CA"', '"\\ud800"'), "surrogate"),
    ("params", GOOD["params"].replace('"1.5"', "1e999"), "params.total"),
    ("cron_expression", "x" * 300, "at most"),
    ("cron_expression", "٣ * * * *", "printable ASCII"),
    ("timezone", "", "required"),
    ("timezone", "UTC\0", "Null characters"),
    ("queue", "dеfault", "queue: 3 to 50 letters"),
    ("priority", "1e3", "whole number"),
    ("priority", "nan", "whole number"),
]


def save(client: Client, row: CronJob | None = None, **changes: str) -> Any:
    url = reverse("admin:django_jobs_cronjob_add") if row is None else page_of(row)
    ledger = {"slots-TOTAL_FORMS": "0", "slots-INITIAL_FORMS": "0"}
    return client.post(url, {**GOOD, **ledger, **changes})


def errors_of(response: Any) -> dict[str, str]:
    assert response.status_code == 200, "the form was accepted"
    errors = response.context["adminform"].form.errors
    return {name: " ".join(texts) for name, texts in errors.items()}


def test_a_good_schedule_is_saved_and_left_to_the_cron_service(boss: Client) -> None:
    assert save(boss).status_code == 302
    row = CronJob.objects.get()
    assert row.params == {
        "region": "CA",
        "since": "2026-01-31",
        "total": "1.5",
        "colours": ["red"],
    }
    assert row.next_run_at is None
    assert not row.managed_by_code
    assert LogEntry.objects.get().object_id == str(row.pk)


@pytest.mark.parametrize(("field", "value", "said"), BAD, ids=lambda value: str(value)[:30])
def test_d70_d71_what_is_wrong_is_said_at_its_field(
    boss: Client, field: str, value: str, said: str
) -> None:
    errors = errors_of(save(boss, **{field: value}))
    assert list(errors) == [field]
    assert said in errors[field]
    assert not CronJob.objects.exists()


def test_everything_wrong_is_said_at_once(boss: Client) -> None:
    bad = {"name": "a b", "params": "3", "cron_expression": "61 * * * *", "timezone": "Mars/X"}
    assert set(errors_of(save(boss, **bad))) == set(bad)


def test_a_name_is_given_once(boss: Client) -> None:
    CronJobFactory(name="nightly")
    assert "already exists" in errors_of(save(boss))["name"]


def test_no_parameters_are_an_empty_object(boss: Client) -> None:
    save(boss, job_name="tests.do_nothing", params="")
    assert CronJob.objects.get().params == {}


def test_the_page_tells_the_next_runs_by_the_schedules_clock(boss: Client) -> None:
    row = CronJobFactory(cron_expression="0 3 * * *", timezone="Asia/Tokyo")
    text = boss.get(page_of(row)).content.decode()
    assert text.count(" 03:00 JST") == 5
    assert len(re.findall(r' 03:00 JST</time> <span class="jobs-age">in \d+ ', text)) == 5


def test_a_page_with_an_unreadable_expression_opens(boss: Client) -> None:
    row = CronJobFactory(cron_expression="nonsense")
    assert "needs 5 fields" in boss.get(page_of(row)).content.decode()


@pytest.mark.parametrize(
    ("changes", "is_planned_anew"),
    [
        ({"cron_expression": "0 4 * * *"}, True),
        ({"timezone": "UTC"}, True),
        ({"priority": "5"}, False),
        ({"queue": "reports"}, False),
    ],
)
def test_a_changed_time_is_planned_anew(
    boss: Client, changes: dict[str, str], is_planned_anew: bool
) -> None:
    save(boss)
    planned = ahead(hours=3)
    CronJob.objects.update(next_run_at=planned)
    assert save(boss, CronJob.objects.get(), **changes).status_code == 302
    assert CronJob.objects.get().next_run_at == (None if is_planned_anew else planned)


def test_switched_on_again_it_does_not_make_up_for_the_pause(boss: Client) -> None:
    row = CronJobFactory(enabled=False, next_run_at=ago(days=90))
    act(boss, "cronjob", "enable", [row])
    row.refresh_from_db()
    assert row.enabled
    assert row.next_run_at is None

    CronJob.objects.update(enabled=False, next_run_at=ago(days=90), **as_in_the_form())
    save(boss, CronJob.objects.get())
    assert CronJob.objects.get().next_run_at is None


def as_in_the_form() -> dict[str, Any]:
    names = ("name", "job_name", "cron_expression", "timezone")
    return {name: GOOD[name] for name in names}


def test_saving_does_not_undo_what_a_worker_wrote(boss: Client) -> None:
    save(boss)
    row = CronJob.objects.get()
    with CaptureQueriesContext(connection) as captured:
        save(boss, row, priority="5")
    (update,) = [
        one["sql"] for one in captured if re.match("UPDATE .django_jobs_cronjob", one["sql"])
    ]
    for column in ("last_run_at", "next_run_at", "last_job"):
        assert column not in update


def test_of_a_schedule_from_code_only_the_switch_can_be_changed(boss: Client) -> None:
    row = CronJobFactory(managed_by_code=True, job_name="tests.do_nothing", params={})
    response = save(boss, row, name="other", cron_expression="0 4 * * *", enabled="")
    assert response.status_code == 302
    changed = CronJob.objects.get()
    assert (changed.name, changed.cron_expression) == (row.name, row.cron_expression)
    assert not changed.enabled
    assert boss.get(page_of(row, "delete")).status_code == 403


def test_schedules_from_code_are_not_deleted_with_others(boss: Client) -> None:
    rows = [CronJobFactory(managed_by_code=True), CronJobFactory()]
    act(boss, "cronjob", "delete_selected", rows, post="yes")
    assert CronJob.objects.count() == 2
    act(boss, "cronjob", "delete_selected", rows[1:], post="yes")
    assert [row.pk for row in CronJob.objects.all()] == [rows[0].pk]


def test_the_job_of_a_schedule_is_enqueued_at_once(boss: Client) -> None:
    row = CronJobFactory(
        job_name="tests.add", params={"a": 3}, queue="reports", priority=7, enabled=False
    )
    response = boss.post(page_of(row, "press"), {"button": "enqueue_now"})
    assert told(response) == ["1 job enqueued."]
    job = Job.objects.get()
    assert (job.job_name, job.params, job.queue, job.priority) == (
        "tests.add",
        {"a": 3},
        "reports",
        7,
    )
    row.refresh_from_db()
    assert row.last_job == job
    assert LogEntry.objects.get().change_message == "Enqueue now"


def test_what_cannot_be_enqueued_does_not_stop_the_others(boss: Client) -> None:
    rows = [
        CronJobFactory(job_name="long.gone"),
        CronJobFactory(job_name="tests.do_nothing"),
    ]
    response = act(boss, "cronjob", "enqueue_now", rows)
    messages = told(response)
    assert any("No job is registered as 'long.gone'" in text for text in messages)
    assert "1 job enqueued." in messages
    assert Job.objects.count() == 1


def test_the_list_points_at_trouble(boss: Client) -> None:
    CronJobFactory(job_name="long.gone")
    CronJobFactory(next_run_at=ago(hours=1))
    text = boss.get(list_of("cronjob")).content.decode()
    assert "not registered" in text
    assert "overdue" in text


def test_the_number_of_queries_does_not_grow(any_status: None, boss: Client) -> None:
    for _ in range(10):
        row = CronJobFactory(last_job=JobFactory())
    for minutes in range(50):
        CronSlot.objects.create(
            cron_job=row,
            slot_at=timezone.now() - timedelta(minutes=minutes),
            outcome=SlotOutcome.FIRED,
            job_id=row.last_job_id,
        )
    ContentType.objects.get_for_model(row)  # asked for once in the life of a process
    for url, limit in ((list_of("cronjob"), 5), (page_of(row), 6)):
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(url).status_code == 200
        assert len(captured) <= limit, [one["sql"] for one in captured]


def test_the_page_shows_the_latest_slots(boss: Client) -> None:
    row = CronJobFactory()
    for minutes in range(30):
        CronSlot.objects.create(
            cron_job=row,
            slot_at=ago(minutes=minutes),
            outcome=SlotOutcome.SKIPPED,
            reason=f"reason-{minutes}.",
        )
    response = boss.get(page_of(row))
    (slots,) = response.context["inline_admin_formsets"]
    assert [form.instance.reason for form in slots.formset] == [
        f"reason-{minutes}." for minutes in range(20)
    ]
    assert "reason-19." in response.content.decode()
