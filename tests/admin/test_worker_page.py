"""Workers: what their processes run, who is behind, and what a site's own rules forbid."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from django_jobs.models import (
    AuditAction,
    AuditSource,
    DesiredState,
    JobAudit,
    Worker,
    WorkerState,
)
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import JobFactory, WorkerFactory, WorkerProcessFactory, ago


def live(name: str, **columns: Any) -> Worker:
    columns = {"started_at": ago(hours=1), "last_heartbeat_at": ago(seconds=1), **columns}
    worker: Worker = WorkerFactory(name=name, state=WorkerState.RUNNING, **columns)
    return worker


def test_each_process_tells_what_it_runs_and_for_how_long(any_status: None, boss: Client) -> None:
    process = WorkerProcessFactory(worker=live("web-1"), pid=4711, running_jobs=1)
    job = JobFactory(
        status=Status.RUNNING, worker_process=process.pk, worker_started_at=ago(minutes=7)
    )
    for url in (list_of("worker"), page_of(process.worker)):
        text = boss.get(url).content.decode()
        assert "process 4711" in text
        assert page_of(job) in text
        assert "7\xa0min" in text


def test_who_runs_an_older_release_is_told_so(boss: Client) -> None:
    live("old", release="r1", started_at=ago(hours=2))
    live("new", release="r2", started_at=ago(hours=1))
    live("gone", release="r3", started_at=ago(minutes=1), last_heartbeat_at=ago(minutes=30))
    old, new = (boss.get(page_of(Worker(name=name))).content.decode() for name in ("old", "new"))
    assert "the newest worker runs r2" in old
    assert "the newest worker runs" not in new


def test_another_version_of_django_jobs_is_told(boss: Client) -> None:
    live("other", version="0.0.1")
    assert "this site runs" in boss.get(list_of("worker")).content.decode()


def test_processes_are_replaced_for_a_reason(boss: Client) -> None:
    worker = live("web-1")
    boss.post(page_of(worker, "press"), {"button": "replace", "reason": "it leaks"})
    worker.refresh_from_db()
    assert worker.replace_asked_at is not None
    assert worker.desired_state == DesiredState.RUN
    entry = JobAudit.objects.get()
    assert (entry.action, entry.source, entry.actor) == (
        AuditAction.TELL_WORKER,
        AuditSource.ADMIN,
        "boss",
    )
    assert (entry.target, entry.reason, entry.details) == ("web-1", "it leaks", {"replace": True})
    assert "it leaks" in LogEntry.objects.get().change_message


def test_actions_of_the_list_take_a_reason(boss: Client) -> None:
    act(boss, "worker", "drain", [live("web-1")], reason="upgrade")
    assert JobAudit.objects.get().reason == "upgrade"


def test_a_sites_rules_protect_the_workers_of_a_queue(log_in: LogIn, settings: Any) -> None:
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": "tests.admin.test_queue_page.all_but_reports"}
    client = log_in("view_worker", "manage_worker")
    one, other = live("one", queues={"mails": 1, "reports": 1}), live("other", queues={"mails": 1})
    assert not client.get(page_of(one)).context["jobs_buttons"]
    assert client.get(page_of(other)).context["jobs_buttons"]
    assert client.post(page_of(one, "press"), {"button": "stop"}).status_code == 403
    response = act(client, "worker", "stop", [one, other])
    assert told(response)[0] == "Skipped, because you may not: one."
    assert {worker.name for worker in Worker.objects.filter(desired_state="stop")} == {"other"}


def test_a_sites_rules_keep_the_gone_workers_of_a_queue(boss: Client, settings: Any) -> None:
    settings.DJANGO_JOBS = {"PERMISSION_HOOK": "tests.admin.test_queue_page.all_but_reports"}
    one = WorkerFactory(name="one", queues={"reports": 1}, state=WorkerState.STOPPED)
    other = WorkerFactory(name="other", queues={"mails": 1}, state=WorkerState.STOPPED)
    assert boss.post(page_of(one, "delete"), {"post": "yes"}).status_code == 403
    boss.post(page_of(other, "delete"), {"post": "yes"})
    assert Worker.objects.get() == one
    entry = JobAudit.objects.get()
    assert (entry.action, entry.target, entry.actor) == (AuditAction.DELETE, "other", "boss")


@pytest.mark.parametrize("button", ["run", "drain", "stop", "replace"])
def test_who_may_only_look_is_refused(log_in: LogIn, button: str) -> None:
    worker = live("web-1", desired_state="drain")
    client = log_in("view_worker")
    assert client.post(page_of(worker, "press"), {"button": button}).status_code == 403
    worker.refresh_from_db()
    assert (worker.desired_state, worker.replace_asked_at) == (DesiredState.DRAIN, None)
