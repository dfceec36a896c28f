"""With REASON_REQUIRED nothing is done until somebody says why."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from django_jobs.models import CronJob, FailureGroup, Job, JobAudit, Queue, Worker
from django_jobs.states import Status
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import CronJobFactory, JobFactory, QueueFactory, WorkerFactory, ago

MISSING = "Nothing was done: say why."


@pytest.fixture(autouse=True)
def required(any_status: None, settings: Any) -> None:
    settings.DJANGO_JOBS = {"REASON_REQUIRED": True}


@pytest.fixture
def rows(group: FailureGroup) -> dict[str, Any]:
    return {
        "job": JobFactory(status=Status.FAILED, fingerprint=group.pk),
        "queue": QueueFactory(name="mail"),
        "worker": WorkerFactory(state="running", last_heartbeat_at=ago()),
        "cronjob": CronJobFactory(enabled=True, params={}),
        "failuregroup": group,
    }


BUTTONS = [
    ("job", "discard"),
    ("queue", "pause"),
    ("worker", "drain"),
    ("cronjob", "disable"),
    ("failuregroup", "resolve"),
    ("failuregroup", "canary"),
]


@pytest.mark.parametrize(("model", "button"), BUTTONS)
def test_a_button_wants_a_reason(
    boss: Client, rows: dict[str, Any], model: str, button: str
) -> None:
    url = page_of(rows[model], "press")
    page = boss.get(page_of(rows[model])).content.decode()
    for form in re.findall(r"<form [^>]*/press/.*?</form>", page, re.DOTALL):
        assert re.search(r'<input type="text" name="reason"[^>]* required>', form), form
    assert told(boss.post(url, {"button": button, "reason": "  "})) == [MISSING]
    assert not JobAudit.objects.exists()
    boss.post(url, {"button": button, "reason": "ticket 1"})
    assert JobAudit.objects.get().reason == "ticket 1"


ACTIONS = [("job", "retry"), ("queue", "pause"), ("worker", "drain"), ("cronjob", "disable")]


@pytest.mark.parametrize(("model", "action"), ACTIONS)
def test_an_action_wants_a_reason(
    boss: Client, rows: dict[str, Any], model: str, action: str
) -> None:
    act(boss, model, action, [rows[model]], confirmed="yes")
    assert not JobAudit.objects.exists()
    act(boss, model, action, [rows[model]], confirmed="yes", reason="ticket 1")
    assert JobAudit.objects.get().reason == "ticket 1"


def test_a_forged_second_action_is_no_way_around(boss: Client, rows: dict[str, Any]) -> None:
    sent = {"action": ["disable", "delete_selected"], "index": "0"}
    boss.post(list_of("cronjob"), {**sent, ACTION_CHECKBOX_NAME: rows["cronjob"].pk})
    assert CronJob.objects.get().enabled


def test_what_is_done_at_a_click_asks_then(boss: Client, rows: dict[str, Any]) -> None:
    page = act(boss, "job", "retry", [rows["job"]]).content.decode()
    assert re.search(r'name="reason"[^>]* required>', page)
    assert Job.objects.failed().exists()


def test_rows_can_be_deleted_all_the_same(boss: Client, rows: dict[str, Any]) -> None:
    act(boss, "cronjob", "delete_selected", [rows["cronjob"]], post="yes")
    assert not CronJob.objects.exists()


def test_forms_want_a_reason(boss: Client, rows: dict[str, Any]) -> None:
    limits = {"max_running": "3", "rate_limit": "", "reason": ""}
    boss.post(page_of(rows["queue"]), limits)
    assert Queue.objects.get().max_running is None
    boss.post(page_of(rows["queue"]), {**limits, "reason": "bank is slow"})
    assert Queue.objects.get().max_running == 3
    enqueuing = boss.get(reverse("admin:django_jobs_catalogue_job", args=["tests.add"]))
    assert re.search(r'name="options-reason"[^>]* required', enqueuing.content.decode())


def test_elsewhere_nobody_is_asked(boss: Client, rows: dict[str, Any], settings: Any) -> None:
    settings.DJANGO_JOBS = {}
    boss.post(page_of(rows["worker"], "press"), {"button": "drain"})
    assert Worker.objects.get().desired_state == "drain"
    page = boss.get(page_of(rows["worker"])).content.decode()
    assert "optional, kept in the history" in page
    assert not re.search(r'name="reason"[^>]* required', page)
