"""Everything that a list finds, changed at once: the preview, the job that does it, its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import OperationalError
from django.test import Client

from django_jobs import operations
from django_jobs.admin.jobs import actions as job_actions
from django_jobs.admin.jobs import impact
from django_jobs.bulk import apply, seal
from django_jobs.conditions import Condition
from django_jobs.exceptions import Cancel
from django_jobs.ids import uuid7
from django_jobs.jobs import bulk
from django_jobs.models import AuditAction, Job, JobAudit, JobLog, JobRollup
from django_jobs.selection import Selection
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, page_of, told
from tests.factories import JobFactory, WorkerFactory, WorkerProcessFactory, ago, ahead
from tests.scenes import work, worked


def forbid_reports(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    """A site's rule: everybody sees the queue ``reports``, nobody touches it."""
    return queue != "reports" or permission == "view_job"


def on_all(client: Client, action: str, query: str = "", **more: str) -> Any:
    some = str(Job.objects.values_list("pk", flat=True)[0])
    data = {"action": action, "_selected_action": some, "select_across": "1", "index": "0", **more}
    return client.post(f"{list_of('job')}?{query}", data)


def confirm(client: Client, action: str, query: str = "", **more: str) -> Any:
    """Ask, and send the answer that the page offers."""
    bounds = on_all(client, action, query).context["bounds"]
    sent = {"until": str(bounds.until), "as_of": bounds.sent_as_of, "confirmed": "yes", **more}
    return on_all(client, action, query, **sent)


def run(job: Job) -> Any:
    return bulk.now(**job.params)


@pytest.fixture
def many_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_actions, "AT_ONCE", 2)


# The preview


def test_the_preview_counts_and_estimates(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(3, status=Status.FAILED)
    JobFactory.create_batch(2, status=Status.CANCELLED)
    JobFactory.create_batch(4)
    JobRollup.objects.create(
        start=ago(hours=1),
        job_name="tests.add",
        queue="default",
        outcome="completed",
        count=2,
        run_total=240,
        run_histogram={"30": 2},
    )
    WorkerProcessFactory(worker=WorkerFactory(queues={"default": 3, "reports": 2}))
    page = on_all(boss, "retry").content.decode()
    assert "5 jobs: 3 failed, 2 cancelled; about 2 min of work at the present pace." in page
    assert "Left as they are: 4 pending." in page


def test_the_preview_of_very_many_is_capped(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impact, "LOOKED_AT", 2)
    JobFactory.create_batch(3)
    page = on_all(boss, "cancel").content.decode()
    assert "more than 2 jobs: 2 pending." in page
    assert "done by a job" in page


def test_a_preview_changes_nothing(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(3, status=Status.FAILED)
    on_all(boss, "retry")
    assert Job.objects.failed().count() == 3
    assert not JobAudit.objects.exists()


def test_nothing_to_do_offers_no_button(any_status: None, boss: Client) -> None:
    JobFactory(status=Status.COMPLETED)
    page = on_all(boss, "retry").content.decode()
    assert "0 jobs" in page
    assert 'name="reason"' not in page


# A few, at once


def test_a_few_are_changed_at_once_with_the_reason(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(2, status=Status.FAILED, queue="reports")
    JobFactory(status=Status.FAILED)
    response = confirm(boss, "retry", "q=queue:reports+status:failed", reason="ticket 4711")
    assert told(response) == ["Retry: 2 jobs done."]
    entry = JobAudit.objects.get()
    assert (entry.actor, entry.source, entry.reason) == ("boss", "admin", "ticket 4711")
    assert (entry.action, entry.count) == ("retry", 2)
    assert Job.objects.failed().count() == 1


def test_deleting_is_audited(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(2, status=Status.COMPLETED)
    live = JobFactory()
    assert told(confirm(boss, "delete_selected", reason="old")) == ["Delete: 2 jobs done."]
    assert Job.objects.get() == live
    entry = JobAudit.objects.get()
    assert (entry.action, entry.count, entry.reason) == ("delete", 2, "old")


def test_what_came_after_the_question_is_left_alone(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(2)
    bounds = on_all(boss, "cancel").context["bounds"]
    late = JobFactory(created_at=ahead(seconds=5))
    sent = {"until": str(bounds.until), "as_of": bounds.sent_as_of, "confirmed": "yes"}
    on_all(boss, "cancel", **sent)
    assert Job.objects.get(status=Status.PENDING) == late


def test_what_failed_again_after_the_question_is_left_alone(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED)
    bounds = on_all(boss, "retry").context["bounds"]
    Job.objects.filter(pk=job.pk).update(completed_at=ahead(seconds=5))
    sent = {"until": str(bounds.until), "as_of": bounds.sent_as_of, "confirmed": "yes"}
    on_all(boss, "retry", **sent)
    assert Job.objects.failed().exists()


@pytest.mark.parametrize(
    "bounds",
    [{"until": "x", "as_of": "y"}, {"until": str(uuid7()), "as_of": "2026-01-01T00:00:00"}],
)
def test_odd_bounds_are_those_of_now(
    any_status: None, boss: Client, bounds: dict[str, str]
) -> None:
    JobFactory(status=Status.FAILED)
    on_all(boss, "retry", confirmed="yes", **bounds)
    assert not Job.objects.failed().exists()


# Many, by a job


def test_many_are_changed_by_a_job(any_status: None, many_is_two: None, boss: Client) -> None:
    JobFactory.create_batch(5, status=Status.FAILED)
    kept = JobFactory(status=Status.FAILED, queue="reports")
    response = confirm(boss, "retry", "status=failed&queue=default", reason="fixed")
    job = Job.objects.get(job_name="jobs.bulk")
    assert response["Location"] == page_of(job)
    assert Job.objects.failed().count() == 6, "nothing yet"
    assert "Retry: 5 jobs; status:failed queue:default; fixed" in (
        LogEntry.objects.get(object_id=str(job.pk)).change_message
    )
    result = run(job)
    assert result.data == {"done": 5, "skipped": 0}
    assert Job.objects.failed().get() == kept
    entry = JobAudit.objects.get()
    assert (entry.actor, entry.source, entry.count) == ("boss", "admin", 5)
    assert (entry.target, entry.reason) == ("status:failed queue:default", "fixed")
    page = boss.get(page_of(job)).content.decode()
    assert job.params["seal"] not in page, "it is a proof, and hidden as such"


def test_doing_it_twice_does_it_once(any_status: None, many_is_two: None, boss: Client) -> None:
    JobFactory.create_batch(3, status=Status.FAILED)
    confirm(boss, "retry")
    job = Job.objects.get(job_name="jobs.bulk")
    run(job)
    operations.discard(Job.objects.filter(job_name="tests.add")[:1])
    assert run(job).data == {"done": 0, "skipped": 0}


def test_a_second_click_leads_to_the_job_of_the_first(
    any_status: None, many_is_two: None, boss: Client
) -> None:
    JobFactory.create_batch(3, status=Status.RETRYING)
    bounds = on_all(boss, "run_now").context["bounds"]
    sent = {"until": str(bounds.until), "as_of": bounds.sent_as_of, "confirmed": "yes"}
    answers = [on_all(boss, "run_now", **sent)["Location"] for _ in range(2)]
    job = Job.objects.get(job_name="jobs.bulk")
    assert answers == [page_of(job)] * 2
    assert LogEntry.objects.filter(object_id=str(job.pk)).count() == 1
    assert job.params["seal"] not in str(job.unique_key)


def test_a_search_for_parameters_goes_along(
    any_status: None, many_is_two: None, boss: Client
) -> None:
    JobFactory.create_batch(3, status=Status.FAILED, params={"region": "CA"})
    JobFactory.create_batch(2, status=Status.FAILED, params={"region": "NV"})
    confirm(boss, "discard", "q=params.region:CA")
    assert run(Job.objects.get(job_name="jobs.bulk")).data["done"] == 3
    assert {job.params["region"] for job in Job.objects.failed()} == {"NV"}


def test_words_and_dates_go_along(any_status: None, many_is_two: None, boss: Client) -> None:
    JobFactory.create_batch(3, status=Status.FAILED, tags=["night"])
    JobFactory(status=Status.FAILED)
    year = Job.objects.first().created_at.year  # type: ignore[union-attr]
    confirm(boss, "delete_selected", f"q=night&created_at__year={year}")
    run(Job.objects.get(job_name="jobs.bulk"))
    assert Job.objects.failed().count() == 1
    assert JobAudit.objects.get().action == AuditAction.DELETE


def test_it_can_be_cancelled_on_the_way(any_status: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_jobs.bulk.BATCH", 2)
    JobFactory.create_batch(5, status=Status.FAILED)

    def stop(count: int) -> None:
        raise Cancel("enough")

    with pytest.raises(Cancel):
        apply(AuditAction.RETRY, Selection(), by="boss", tell=stop)
    assert Job.objects.failed().count() == 3
    assert JobAudit.objects.get().count == 2


def test_the_next_attempt_goes_on_where_the_last_one_ended(
    any_status: None, many_is_two: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Running jobs stay among those that can be cancelled: nothing else tells who was asked."""
    monkeypatch.setattr("django_jobs.bulk.BATCH", 2)
    batches: list[Sequence[UUID]] = []

    def break_down(action: AuditAction, ids: Sequence[UUID], **more: Any) -> Any:
        batches.append(ids)
        if len(batches) == 2:
            raise OperationalError("the server closed the connection unexpectedly")
        return operations.one_batch(action, ids, **more)

    monkeypatch.setattr("django_jobs.bulk.one_batch", break_down)
    JobFactory.create_batch(5, status=Status.RUNNING)
    confirm(boss, "cancel")
    job = Job.objects.get(job_name="jobs.bulk")
    work()
    assert JobAudit.objects.get(actor="boss").count == 2, "also if it is never run again"
    operations.run_now(job)
    assert worked(job).result == {"done": 5, "skipped": 0}
    assert [len(ids) for ids in batches] == [2, 2, 2, 1]
    assert JobAudit.objects.get(actor="boss").count == 5
    assert set(Counter(JobLog.objects.values_list("job_id", flat=True)).values()) == {1}


def test_it_reads_in_chunks(any_status: None) -> None:
    jobs = JobFactory.create_batch(7)
    chunks = list(Selection().chunks(3))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]
    assert {one for chunk in chunks for one in chunk} == {job.pk for job in jobs}


def test_earlier_bulk_jobs_are_never_done_again(any_status: None, boss: Client) -> None:
    JobFactory(status=Status.FAILED, job_name="jobs.bulk")
    assert "0 jobs" in on_all(boss, "retry").content.decode()
    confirm(boss, "retry")
    assert Job.objects.failed().count() == 1


def test_only_the_admin_can_ask_for_it(any_status: None) -> None:
    JobFactory(status=Status.FAILED)
    selection = Selection().as_json()
    proof = seal("retry", selection, "boss")
    for changed in ({"action": "discard"}, {"by": "root"}, {"seal": "x"}, {"selection": {}}):
        given = {"action": "retry", "selection": selection, "by": "boss", "seal": proof, **changed}
        assert not bulk.now(**given).success
    assert Job.objects.failed().exists()


# Who may


def test_a_viewer_sees_no_action_and_is_refused(any_status: None, log_in: LogIn) -> None:
    JobFactory(status=Status.FAILED)
    client = log_in("view_job")
    page = client.get(list_of("job")).content.decode()
    assert 'name="action"' not in page
    on_all(client, "retry", confirmed="yes")
    assert Job.objects.failed().exists()


def test_who_may_not_do_it_does_not_go_on_with_it_either(
    any_status: None, many_is_two: None, boss: Client, log_in: LogIn
) -> None:
    """Somebody deletes, and thinks better of it: whoever may only retry can't undo that."""
    JobFactory.create_batch(3, status=Status.COMPLETED)
    confirm(boss, "delete_selected")
    job = Job.objects.get(job_name="jobs.bulk")
    operations.cancel(job)
    client = log_in("view_job", "retry_job", "enqueue_job", "view_job_payload")
    page = client.get(page_of(job))
    assert (page.context["jobs_buttons"], page.context["jobs_links"]) == ([], [])
    assert client.post(page_of(job, "press"), {"button": "retry"}).status_code == 403
    assert client.post(page_of(job, "rerun")).status_code == 403
    assert client.post(page_of(job, "edit")).status_code == 403
    answer = act(client, "job", "retry", [job])
    assert told(answer)[-1] == "You may not do this to: jobs.bulk (default)."
    assert Job.objects.live().count() == 0
    assert boss.post(page_of(job, "press"), {"button": "retry"}).status_code == 302
    assert Job.objects.live().get() == job


def test_a_site_s_rules_count_for_each_queue(
    any_status: None, many_is_two: None, settings: Any, boss: Client
) -> None:
    hook = f"{forbid_reports.__module__}.{forbid_reports.__name__}"
    settings.DJANGO_JOBS = {**getattr(settings, "DJANGO_JOBS", {}), "PERMISSION_HOOK": hook}
    JobFactory.create_batch(3, status=Status.FAILED)
    kept = JobFactory(status=Status.FAILED, queue="reports")
    page = on_all(boss, "retry").content.decode()
    assert "3 jobs: 3 failed" in page
    assert "tests.add (reports)" in page
    confirm(boss, "retry")
    run(Job.objects.get(job_name="jobs.bulk"))
    assert Job.objects.failed().get() == kept
    assert boss.post(page_of(kept, "press"), {"button": "retry"}).status_code == 403
    assert boss.get(page_of(kept)).context["jobs_buttons"] == []


# As a value


def test_a_selection_survives_as_json() -> None:
    whole = Selection(
        conditions=(
            Condition("status", "=", ("failed",)),
            Condition("job", "starts", ("x",), True),
        ),
        ids=(uuid7(),),
        since=UUID(int=1),
        until=uuid7(),
        ended_since=ago(days=1),
        as_of=ago(minutes=1),
        pairs=(("tests.add", "default"),),
    )
    assert Selection.from_json(whole.as_json()) == whole
    assert Selection.from_json(Selection().as_json()) == Selection()
