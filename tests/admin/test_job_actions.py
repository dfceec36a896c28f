"""Retry, run now, cancel, discard and delete, one by one and many at a time."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.test import Client

from django_jobs.admin.shared import history
from django_jobs.models import Job, JobLog, JobTransition
from django_jobs.states import Status
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import JobFactory, TransitionFactory, ago, ahead

CASES = [
    ("retry", Status.FAILED, Status.PENDING),
    ("retry", Status.CANCELLED, Status.PENDING),
    ("run_now", Status.SCHEDULED, Status.PENDING),
    ("cancel", Status.PENDING, Status.CANCELLED),
    ("discard", Status.FAILED, Status.DISCARDED),
]


def select_all(client: Client, action: str, **more: str) -> Any:
    return act(client, "job", action, Job.objects.all()[:1], select_across="1", **more)


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_a_button_moves_the_job_and_says_who_and_why(
    any_status: None, boss: Client, name: str, before: Status, after: Status
) -> None:
    job = JobFactory(status=before, scheduled_for=ahead(hours=1))
    response = boss.post(page_of(job, "press"), {"button": name, "reason": "ticket 4711"})
    assert response["Location"] == page_of(job)
    job.refresh_from_db()
    assert job.status == after
    move = JobTransition.objects.get(job=job)
    assert (move.actor, move.reason) == ("operator:boss", "ticket 4711")
    entry = LogEntry.objects.get(object_id=str(job.pk), action_flag=CHANGE)
    assert "ticket 4711" in entry.change_message


def test_a_running_job_is_asked_to_stop(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.RUNNING)
    boss.post(page_of(job, "press"), {"button": "cancel"})
    job.refresh_from_db()
    assert job.status == Status.RUNNING
    assert job.cancel_requested_at is not None
    assert "Asked to stop" in boss.get(page_of(job)).content.decode()


def test_a_button_that_comes_too_late_says_so(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.RUNNING)
    response = boss.post(page_of(job, "press"), {"button": "retry"})
    assert told(response) == ["Retry: 0 of 1 jobs done; 1 skipped: running."]


@pytest.mark.parametrize(("name", "before", "after"), CASES)
def test_an_action_moves_the_selected_jobs(
    any_status: None, boss: Client, name: str, before: Status, after: Status
) -> None:
    chosen = [JobFactory(status=before) for _ in range(2)]
    other = JobFactory(status=before)
    act(boss, "job", name, chosen, confirmed="yes")
    other.refresh_from_db()
    assert other.status == before
    assert Job.objects.filter(pk__in=[job.pk for job in chosen], status=after).count() == 2
    assert LogEntry.objects.count() == 2


def test_d67_the_message_counts_what_was_skipped(any_status: None, boss: Client) -> None:
    jobs = [JobFactory(status=Status.FAILED) for _ in range(3)]
    jobs += [JobFactory(status=Status.RUNNING) for _ in range(2)]
    response = act(boss, "job", "retry", jobs)
    assert told(response) == ["Retry: 3 of 5 jobs done; 2 skipped: running."]


def test_d68_select_all_is_asked_for_again_with_the_number(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(3, status=Status.FAILED)
    asked = select_all(boss, "retry")
    assert "3 jobs" in asked.content.decode()
    assert not Job.objects.pending().exists()
    response = select_all(boss, "retry", confirmed="yes")
    assert told(response) == ["Retry: 3 jobs done."]
    assert Job.objects.pending().count() == 3


def test_select_all_keeps_to_the_filter(any_status: None, boss: Client) -> None:
    JobFactory(status=Status.FAILED, queue="reports")
    JobFactory(status=Status.FAILED, queue="default")
    data = {"action": "retry", "_selected_action": str(Job.objects.all()[0].pk)}
    data |= {"select_across": "1", "confirmed": "yes"}
    boss.post(f"{list_of('job')}?queue=reports", data)
    assert [job.queue for job in Job.objects.pending()] == ["reports"]


@pytest.mark.parametrize("name", ["cancel", "discard", "delete_selected"])
def test_what_cannot_be_undone_is_asked_for_first(
    any_status: None, boss: Client, name: str
) -> None:
    job = JobFactory(status=Status.FAILED if name == "delete_selected" else Status.PENDING)
    page = act(boss, "job", name, [job]).content.decode()
    assert "1 job: 1 " in page
    assert 'name="reason"' in page
    assert Job.objects.filter(status=job.status).count() == 1


def test_very_many_jobs_make_one_entry_in_the_log(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "EACH_UP_TO", 2)
    act(boss, "job", "retry", JobFactory.create_batch(3, status=Status.FAILED))
    assert [entry.object_repr for entry in LogEntry.objects.all()] == ["3 jobs"]


def test_deleting_takes_the_story_along_and_skips_live_jobs(any_status: None, boss: Client) -> None:
    ended, live = JobFactory(status=Status.FAILED), JobFactory(status=Status.PENDING)
    for job in (ended, live):
        TransitionFactory(job=job)
        JobLog.objects.create(job=job, attempt=1, at=ago(), level="info", message="x")
    assert Job.objects.count() == 2
    act(boss, "job", "delete_selected", [ended, live])
    assert Job.objects.count() == 2, "asks first"
    response = act(boss, "job", "delete_selected", [ended, live], confirmed="yes")
    assert told(response) == ["Delete: 1 of 2 jobs done; 1 skipped: pending."]
    assert [job.pk for job in Job.objects.all()] == [live.pk]
    assert [move.job_id for move in JobTransition.objects.all()] == [live.pk]
    assert [line.job_id for line in JobLog.objects.all()] == [live.pk]
    assert LogEntry.objects.get(action_flag=DELETION).object_id == str(ended.pk)


def test_one_ended_job_can_be_deleted(any_status: None, boss: Client) -> None:
    ended, live = JobFactory(status=Status.COMPLETED), JobFactory(status=Status.RUNNING)
    TransitionFactory(job=ended)
    assert "Transitions: 1" in boss.get(page_of(ended, "delete")).content.decode()
    boss.post(page_of(ended, "delete"), {"post": "yes"})
    assert boss.post(page_of(live, "delete"), {"post": "yes"}).status_code == 403
    assert [job.pk for job in Job.objects.all()] == [live.pk]
    assert not JobTransition.objects.exists()
