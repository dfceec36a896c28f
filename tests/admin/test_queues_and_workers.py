"""Pausing queues, steering workers, and seeing at a glance which of them is in trouble."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs.admin.queues import now as queue_now
from django_jobs.models import AuditAction, DesiredState, JobAudit, Queue, Worker, WorkerState
from django_jobs.states import Status
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import JobFactory, QueueFactory, WorkerFactory, WorkerProcessFactory, ago


def test_queues_without_a_row_are_listed_and_can_be_paused(boss: Client) -> None:
    JobFactory(queue="ad-hoc")
    names = [queue.name for queue in boss.get(list_of("queue")).context["cl"].result_list]
    assert {"ad-hoc", "default", "reports"} <= set(names), "from live jobs and from code"
    assert not Queue.objects.exists(), "looking makes no rows"

    response = act(boss, "queue", "pause", ["ad-hoc", "reports"])
    assert told(response) == ["2 queues paused."]
    assert {queue.name for queue in Queue.objects.all() if queue.is_paused} == {"ad-hoc", "reports"}
    assert {entry.object_id for entry in LogEntry.objects.all()} == {"ad-hoc", "reports"}

    act(boss, "queue", "resume", ["reports"])
    assert not Queue.objects.get(name="reports").is_paused


def test_a_pause_keeps_who_and_why(boss: Client) -> None:
    queue = Queue(name="reports")
    boss.post(page_of(queue, "press"), {"button": "pause", "reason": "the feed is down"})
    row = Queue.objects.get()
    assert "boss" in row.paused_by
    assert row.pause_reason == "the feed is down"
    text = boss.get(page_of(row)).content.decode()
    assert "the feed is down" in text
    assert [button.name for button in boss.get(page_of(row)).context["jobs_buttons"]] == ["resume"]


@pytest.mark.parametrize("name", ["../x", "a b", "x", "nobody-knows-it", "<img>", "Ｄefault"])
def test_no_row_is_made_for_a_name_that_is_none(boss: Client, name: str) -> None:
    assert act(boss, "queue", "pause", [name]).status_code == 302
    assert not Queue.objects.exists()


def test_a_queue_shows_its_live_jobs(any_status: None, boss: Client) -> None:
    for status in (Status.PENDING, Status.PENDING, Status.RUNNING, Status.COMPLETED):
        JobFactory(queue="reports", status=status, scheduled_for=ago(minutes=5))
    queue = next(
        one for one in boss.get(list_of("queue")).context["cl"].result_list if one.name == "reports"
    )
    now = queue_now.PICTURE.of(queue).now
    assert (now.pending, now.running) == (2, 1)
    text = boss.get(page_of(Queue(name="reports"))).content.decode()
    assert "5 min" in text


def test_unknown_queues_have_no_page(boss: Client) -> None:
    assert boss.get(page_of(Queue(name="nobody"))).status_code == 302


@pytest.mark.parametrize(
    ("action", "state"),
    [("drain", DesiredState.DRAIN), ("stop", DesiredState.STOP), ("run", DesiredState.RUN)],
)
def test_workers_are_told_what_to_do(boss: Client, action: str, state: DesiredState) -> None:
    before = DesiredState.RUN if action != "run" else DesiredState.DRAIN
    one, other = WorkerFactory.create_batch(2, desired_state=before)
    act(boss, "worker", action, [one])
    other.refresh_from_db()
    assert other.desired_state == before
    boss.post(page_of(other, "press"), {"button": action})
    assert {worker.desired_state for worker in Worker.objects.all()} == {state}
    assert LogEntry.objects.count() == 2


def test_a_silent_worker_stands_out(boss: Client) -> None:
    WorkerFactory(name="lively", state=WorkerState.RUNNING, last_heartbeat_at=ago(seconds=1))
    assert "silent" not in boss.get(list_of("worker")).content.decode()
    silent = WorkerFactory(state=WorkerState.RUNNING, last_heartbeat_at=ago(minutes=9))
    assert "silent" in boss.get(list_of("worker")).content.decode()
    assert "silent" in boss.get(page_of(silent)).content.decode()


def test_a_worker_shows_its_processes(boss: Client) -> None:
    worker = WorkerFactory(queues={"default": 10}, last_heartbeat_at=ago(seconds=1))
    WorkerProcessFactory(worker=worker, pid=4711, memory=100 * 2**20, running_jobs=2)
    WorkerProcessFactory(worker=worker, pid=4712, memory=50 * 2**20, running_jobs=1)
    page = boss.get(page_of(worker)).content.decode()
    for text in ("4711", "4712", "100 MB", "default:10"):
        assert text in page
    assert "3 of 20 jobs, 150 MB" in boss.get(list_of("worker")).content.decode()


def test_only_workers_that_are_gone_can_be_deleted(boss: Client) -> None:
    lively = WorkerFactory(state=WorkerState.RUNNING, last_heartbeat_at=ago(seconds=1))
    gone = WorkerFactory(state=WorkerState.RUNNING, last_heartbeat_at=ago(minutes=9))
    assert boss.post(page_of(lively, "delete"), {"post": "yes"}).status_code == 403
    act(boss, "worker", "delete_selected", [lively, gone], post="yes")
    assert Worker.objects.count() == 2
    act(boss, "worker", "delete_selected", [gone], post="yes")
    entry = JobAudit.objects.get()
    assert (entry.action, entry.target, entry.actor) == (AuditAction.DELETE, gone.name, "boss")
    assert [worker.pk for worker in Worker.objects.all()] == [lively.pk]


def test_the_number_of_queries_does_not_grow(boss: Client) -> None:
    for _ in range(10):
        worker = WorkerFactory(last_heartbeat_at=ago(seconds=1))
        WorkerProcessFactory.create_batch(3, worker=worker)
        QueueFactory()
    of_the_session = 2
    pages = {
        list_of("worker"): 6 + of_the_session,
        page_of(worker): 5 + of_the_session,
        list_of("queue"): 8 + of_the_session,
        page_of(Queue.objects.all()[0]): 8 + of_the_session,
    }
    for url, limit in pages.items():
        boss.get(url)  # then Django knows the content types
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(url).status_code == 200
        assert len(captured) <= limit, (url, "\n".join(one["sql"][:150] for one in captured))
