"""Who sees which page and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_jobs.models import DesiredState, Job, Queue
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, page_of
from tests.factories import CronJobFactory, JobFactory, QueueFactory, WorkerFactory

MODELS = ("job", "cronjob", "queue", "worker")
ROWS = {
    "job": JobFactory,
    "cronjob": CronJobFactory,
    "queue": QueueFactory,
    "worker": WorkerFactory,
}

#: Permission → the actions it allows, on which list.
ACTIONS = {
    "retry_job": ("job", {"retry", "run_now"}),
    "cancel_job": ("job", {"cancel"}),
    "discard_job": ("job", {"discard"}),
    "delete_job": ("job", {"delete_selected"}),
    "pause_queue": ("queue", {"pause", "resume"}),
    "manage_worker": ("worker", {"run", "drain", "stop", "replace"}),
    "manage_cron": ("cronjob", {"enqueue_now", "enable", "disable"}),
    "delete_cronjob": ("cronjob", {"delete_selected"}),
}


def offered(client: Client, model: str) -> set[str]:
    form = client.get(list_of(model)).context["action_form"]
    return set() if form is None else {name for name, _ in form.fields["action"].choices if name}


def every_page(model: str) -> list[str]:
    """Every address below a list, also those that only answer to a button."""
    row = ROWS[model]()
    named = [pattern for pattern in site._registry[type(row)].get_urls() if pattern.name]
    names = {pattern.name for pattern in named}
    assert {f"django_jobs_{model}_changelist", f"django_jobs_{model}_change"} <= names
    return [
        reverse(f"admin:{pattern.name}", args=[row.pk] if pattern.pattern.converters else [])
        for pattern in named
    ]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_strangers_are_sent_to_the_login(
    db: None, client: Client, model: str, method: str, is_known: bool
) -> None:
    """Nobody, and somebody who is not of the staff but has every permission."""
    if is_known:
        somebody = User.objects.create_user("somebody", is_superuser=True)
        client.force_login(somebody)
    for url in every_page(model):
        response = getattr(client, method)(url)
        assert response.status_code == 302, url
        assert "/login/" in response["Location"]


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_permission_see_nothing(log_in: LogIn, model: str) -> None:
    for client in (log_in(), log_in("view_job_payload")):
        for url in every_page(model):
            assert client.get(url).status_code in (403, 405), url
            assert client.post(url).status_code == 403, url


@pytest.mark.parametrize("model", MODELS)
def test_every_action_names_the_permission_it_needs(model: str) -> None:
    """Without, Django offers it to everybody who may look."""
    page = site._registry[ROWS[model]._meta.model]
    for name in page.actions:
        assert getattr(page, name).allowed_permissions, name


@pytest.mark.parametrize("model", MODELS)
def test_d65_who_may_only_look_is_offered_nothing(log_in: LogIn, model: str) -> None:
    client, row = log_in(f"view_{model}"), ROWS[model]()
    page = client.get(page_of(row))
    assert page.status_code == 200
    assert not page.context["jobs_buttons"]
    assert offered(client, model) == set()


@pytest.mark.parametrize("permission", ACTIONS)
def test_each_permission_allows_its_own_actions(log_in: LogIn, permission: str) -> None:
    model, actions = ACTIONS[permission]
    ROWS[model]()
    assert offered(log_in(f"view_{model}", permission), model) == actions


@pytest.mark.parametrize("permission", ["retry_job", "cancel_job", "discard_job"])
def test_buttons_follow_permission_and_status(
    any_status: None, log_in: LogIn, permission: str
) -> None:
    client = log_in("view_job", permission)
    shown = {
        status: {
            button.name
            for button in client.get(page_of(JobFactory(status=status))).context["jobs_buttons"]
        }
        for status in Status
    }
    expected: dict[str, dict[str, set[Status]]] = {
        "retry_job": {
            "retry": {Status.FAILED, Status.DISCARDED, Status.CANCELLED, Status.EXPIRED},
            "run_now": {Status.SCHEDULED, Status.RETRYING},
        },
        "cancel_job": {
            "cancel": {Status.PENDING, Status.SCHEDULED, Status.RETRYING, Status.RUNNING}
        },
        "discard_job": {
            "discard": {Status.PENDING, Status.SCHEDULED, Status.RETRYING, Status.FAILED}
        },
    }
    for status, buttons in shown.items():
        wanted = {name for name, when in expected[permission].items() if status in when}
        assert buttons == wanted, status


@pytest.mark.parametrize("action", ["retry", "run_now", "cancel", "discard", "delete_selected"])
def test_d65_forced_actions_are_refused(any_status: None, log_in: LogIn, action: str) -> None:
    client = log_in("view_job")
    jobs = [JobFactory(status=status) for status in (Status.PENDING, Status.FAILED)]
    act(client, "job", action, jobs, confirmed="yes")
    assert {job.status for job in Job.objects.all()} == {Status.PENDING, Status.FAILED}
    for job in jobs:
        response = client.post(page_of(job, "press"), {"button": action})
        assert response.status_code == 403
        job.refresh_from_db()
    assert [job.status for job in jobs] == [Status.PENDING, Status.FAILED]


def test_forced_posts_elsewhere_are_refused(log_in: LogIn) -> None:
    client = log_in("view_queue", "view_worker", "view_cronjob")
    queue, worker = QueueFactory(), WorkerFactory()
    cron_job = CronJobFactory(job_name="tests.do_nothing", enabled=True)
    posts: list[tuple[str, Any, str]] = [
        ("queue", queue, "pause"),
        ("worker", worker, "stop"),
        ("cronjob", cron_job, "enqueue_now"),
        ("cronjob", cron_job, "disable"),
    ]
    for model, row, action in posts:
        act(client, model, action, [row])
        assert client.post(page_of(row, "press"), {"button": action}).status_code == 403
        row.refresh_from_db()
    assert not queue.is_paused
    assert worker.desired_state == DesiredState.RUN
    assert cron_job.enabled
    assert not Job.objects.exists()


def test_a_button_needs_the_right_to_look_as_well(any_status: None, log_in: LogIn) -> None:
    job = JobFactory(status=Status.FAILED)
    assert log_in("retry_job").post(page_of(job, "press"), {"button": "retry"}).status_code == 403


def test_d66_buttons_and_actions_need_the_token(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = boss.cookies
    assert strict.post(page_of(job, "press"), {"button": "retry"}).status_code == 403
    assert act(strict, "job", "retry", [job]).status_code == 403
    job.refresh_from_db()
    assert job.status == Status.FAILED


def test_buttons_are_never_pressed_by_looking(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED)
    response = boss.get(page_of(job, "press"), {"button": "retry"})
    assert response.status_code == 405
    job.refresh_from_db()
    assert job.status == Status.FAILED


def test_of_a_queue_only_the_limits_are_edited(boss: Client) -> None:
    row = QueueFactory()
    assert boss.get(f"{list_of('queue')}add/").status_code == 403
    boss.post(page_of(row), {"paused_by": "me", "name": "other", "max_running": "3"})
    found = Queue.objects.get()
    assert (found.name, found.paused_by, found.max_running) == (row.name, "", 3)


@pytest.mark.parametrize("model", ["job", "worker"])
def test_rows_of_the_engine_are_never_added_or_edited(boss: Client, model: str) -> None:
    row = ROWS[model]()
    assert boss.get(f"{list_of(model)}add/").status_code == 403
    assert boss.post(page_of(row), {"status": "completed", "name": "other"}).status_code == 403
