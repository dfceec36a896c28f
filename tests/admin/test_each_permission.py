"""Each permission alone: what it lets somebody do, and that all else is refused when forced."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_jobs.admin.forms import once
from django_jobs.admin.jobs.resubmit import SEEN
from django_jobs.models import CronJob, FailureGroup, Job, JobAudit, Queue, Worker
from django_jobs.states import Status
from django_jobs.submitting import version_of
from tests.admin.conftest import LogIn
from tests.admin.failing import make_group
from tests.admin.pages import act, page_of
from tests.factories import CronJobFactory, JobFactory, QueueFactory, WorkerFactory, ago

LOOKING = ("view_job", "view_queue", "view_worker", "view_cronjob", "view_jobaudit")
#: Permission → what it lets somebody do who sees all pages.
ALLOWED: dict[str, set[str]] = {
    "retry_job": {"retry", "retry listed", "run now", "canary", "drip"},
    "cancel_job": {"cancel", "cancel listed"},
    "discard_job": {"discard", "discard listed", "discard failures"},
    "delete_job": {"delete", "delete listed"},
    "enqueue_job": {"enqueue"},
    "pause_queue": {"pause", "pause listed"},
    "change_queue": set(),
    "manage_worker": {"drain", "replace", "stop listed"},
    "manage_cron": {"run schedule", "run schedules listed", "switch", "backfill"},
    "change_cronjob": {"edit schedule"},
    "delete_cronjob": {"delete schedule"},
    "manage_failure": {"resolve", "mute"},
    "view_job_payload": set(),
    "view_job": set(),
}
#: Two that go together.
TOGETHER: dict[tuple[str, str], str] = {
    ("retry_job", "view_job_payload"): "edit and retry",
    ("enqueue_job", "view_job_payload"): "run again",
    ("pause_queue", "change_queue"): "limit",
}


def press(client: Client, row: Any, button: str, **more: str) -> None:
    client.post(page_of(row, "press"), {"button": button, **more})


def ticket(about: str) -> dict[str, str]:
    user: Any = SimpleNamespace(user=User.objects.get())
    return {once.FIELD: once.new_ticket(user, about)}


def failed() -> Job:
    return JobFactory(status=Status.FAILED, job_name="tests.add", params={"a": 1})


def group() -> FailureGroup:
    made = make_group(FailureGroup.objects.count() + 1)
    JobFactory(status=Status.FAILED, fingerprint=made.pk, job_name=made.job_name)
    return made


def schedule() -> CronJob:
    return CronJobFactory(job_name="tests.do_nothing", cron_expression="0 * * * *", params={})


def enqueue(client: Client) -> None:
    url = reverse("admin:django_jobs_catalogue_job", args=["tests.do_nothing"])
    client.post(url, ticket("catalogue:tests.do_nothing"))


def edit(client: Client, job: Job) -> None:
    seen = Job.objects.get(pk=job.pk)
    client.post(page_of(job, "edit"), {SEEN: version_of(seen), "params-a": "2"})


def run_again(client: Client, job: Job) -> None:
    client.post(page_of(job, "rerun"), {**ticket(f"rerun:{job.pk}"), "params-a": "2"})


def backfill(client: Client) -> None:
    times = {"since": "2026-01-05T00:30", "until": "2026-01-05T02:30"}
    client.post(page_of(schedule(), "backfill"), {**times, "confirmed": "yes"})


def edit_schedule(client: Client) -> None:
    row = schedule()
    fields = ("name", "job_name", "cron_expression", "timezone", "missed_policy", "missed_max")
    sent = {name: getattr(row, name) for name in (*fields, "overlap_policy")}
    slots = {"slots-TOTAL_FORMS": "0", "slots-INITIAL_FORMS": "0"}
    client.post(page_of(row), {**sent, "params": "{}", "priority": "3", **slots})


def queue() -> Queue:
    return QueueFactory()


def worker() -> Worker:
    return WorkerFactory(state="running", last_heartbeat_at=ago())


SURE = {"sure": "yes"}
ACTS: dict[str, Callable[[Client], Any]] = {
    "retry": lambda client: press(client, failed(), "retry"),
    "retry listed": lambda client: act(client, "job", "retry", [failed()]),
    "run now": lambda client: press(client, JobFactory(status=Status.RETRYING), "run_now"),
    "cancel": lambda client: press(client, JobFactory(), "cancel"),
    "cancel listed": lambda client: act(client, "job", "cancel", [JobFactory()], confirmed="yes"),
    "discard": lambda client: press(client, failed(), "discard"),
    "discard listed": lambda client: act(client, "job", "discard", [failed()], confirmed="yes"),
    "delete": lambda client: client.post(page_of(failed(), "delete"), {"post": "yes"}),
    "delete listed": lambda client: act(
        client, "job", "delete_selected", [failed()], confirmed="yes"
    ),
    "edit and retry": lambda client: edit(client, failed()),
    "run again": lambda client: run_again(client, failed()),
    "enqueue": enqueue,
    "canary": lambda client: press(client, group(), "canary"),
    "drip": lambda client: press(client, group(), "drip", per_minute="5"),
    "discard failures": lambda client: press(client, group(), "discard", **SURE),
    "resolve": lambda client: press(client, group(), "resolve"),
    "mute": lambda client: press(client, group(), "mute", **{"for": "1h"}),
    "pause": lambda client: press(client, queue(), "pause"),
    "pause listed": lambda client: act(client, "queue", "pause", [queue()]),
    "limit": lambda client: client.post(page_of(queue()), {"max_running": "3"}),
    "drain": lambda client: press(client, worker(), "drain"),
    "replace": lambda client: press(client, worker(), "replace"),
    "stop listed": lambda client: act(client, "worker", "stop", [worker()]),
    "run schedule": lambda client: press(client, schedule(), "enqueue_now"),
    "run schedules listed": lambda client: act(client, "cronjob", "enqueue_now", [schedule()]),
    "switch": lambda client: press(client, schedule(), "disable"),
    "backfill": backfill,
    "edit schedule": edit_schedule,
    "delete schedule": lambda client: client.post(page_of(schedule(), "delete"), {"post": "yes"}),
}


def done_by(client: Client) -> set[str]:
    """What of all that can be done was done when it was asked for, whatever is offered."""
    done = set()
    for name, ask in ACTS.items():
        before = JobAudit.objects.count()
        ask(client)
        done |= {name} if JobAudit.objects.count() > before else set()
    return done


@pytest.mark.parametrize("permission", ALLOWED)
def test_one_permission(any_status: None, log_in: LogIn, permission: str) -> None:
    assert done_by(log_in(*{*LOOKING, permission})) == ALLOWED[permission]


@pytest.mark.parametrize("permission", ALLOWED)
def test_without_a_right_to_look_it_is_good_for_nothing(
    any_status: None, log_in: LogIn, permission: str
) -> None:
    """But for what Django's own pages allow: who may change sees, who may delete need not see."""
    djangos = {"delete", "edit schedule", "delete schedule"}
    assert done_by(log_in(permission)) == ALLOWED[permission] & djangos


@pytest.mark.parametrize("pair", TOGETHER)
def test_two_permissions(any_status: None, log_in: LogIn, pair: tuple[str, str]) -> None:
    expected = ALLOWED[pair[0]] | ALLOWED[pair[1]] | {TOGETHER[pair]}
    assert done_by(log_in(*LOOKING, *pair)) == expected


def test_all_of_them(any_status: None, boss: Client) -> None:
    assert done_by(boss) == set(ACTS)


def test_none_of_it_is_done_for_no_reason(any_status: None, boss: Client, settings: Any) -> None:
    """But for Django's own page that deletes, and the form of a schedule."""
    settings.DJANGO_JOBS = {"REASON_REQUIRED": True}
    assert done_by(boss) == {"delete", "edit schedule", "delete schedule"}
