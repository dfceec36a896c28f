"""An ended job with other arguments: edited and retried, or run again."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs import operations
from django_jobs.admin.forms import once
from django_jobs.exceptions import InvalidArguments, InvalidTransition
from django_jobs.ids import uuid7
from django_jobs.models import AuditAction, AuditSource, Job, JobAudit
from django_jobs.states import RETRYABLE, Status
from tests.admin.pages import page_of, told
from tests.factories import JobFactory, failed_job
from tests.harness.at_once import AtOnce
from tests.scenes import Configure, fresh, last_transition, path

CARD = "4111-1111"


def hidden(response: Any) -> dict[str, str]:
    """The hidden inputs of the page, but for the token against forgery."""
    pairs = re.findall(
        r'type="hidden" name="(jobs_\w+)" value="([^"]*)"', response.content.decode()
    )
    return dict(pairs)


def send(client: Client, job: Job, page: str, **typed: str) -> Any:
    opened = client.get(page_of(job, page))
    return client.post(page_of(job, page), {**hidden(opened), **typed})


def staff(name: str, permissions: set[str]) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="django_jobs", codename__in=permissions)
    )
    return user


# Edit and retry


@pytest.mark.parametrize("status", sorted(RETRYABLE))
def test_an_ended_job_starts_afresh_with_other_arguments(
    boss: Client, any_status: None, status: str
) -> None:
    job = JobFactory(status=status, params={"a": 1}, failure_count=3)
    response = send(
        boss, job, "edit", **{"params-a": "5", "params-b": "2", "options-reason": "typo"}
    )
    assert response["Location"] == page_of(job)
    assert told(response) == ["Retried with other parameters: a, b."]
    now = fresh(job)
    assert (now.status, now.params, now.failure_count) == (Status.PENDING, {"a": 5, "b": 2}, 0)
    move = last_transition(job)
    assert (move.actor, move.reason) == ("operator:boss", "typo")
    entry = JobAudit.objects.get()
    assert (entry.action, entry.source) == (AuditAction.RETRY, AuditSource.ADMIN)
    assert (entry.actor, entry.target, entry.reason) == ("boss", str(job.pk), "typo")
    assert entry.details == {"ids": [str(job.pk)], "edited": ["a", "b"]}
    assert LogEntry.objects.get().object_id == str(job.pk)


def test_the_form_shows_what_the_job_was_given(boss: Client) -> None:
    job = failed_job(params={"a": 17, "gone": "x"})
    text = boss.get(page_of(job, "edit")).content.decode()
    assert 'value="17"' in text
    assert "they are left out: gone" in text
    response = send(boss, job, "edit", **{"params-a": "17"})
    assert told(response) == ["Retried with other parameters: gone."]
    assert fresh(job).params == {"a": 17}


def test_secrets_are_not_shown_and_stay(boss: Client) -> None:
    job = failed_job(job_name="tests.pay", params={"card": CARD, "region": f"of {CARD}"})
    opened = boss.get(page_of(job, "edit"))
    assert CARD not in opened.content.decode()
    response = send(boss, job, "edit", **{"params-how": "log"})
    assert told(response) == ["Retried with other parameters: how."]
    assert fresh(job).params == {"card": CARD, "region": f"of {CARD}", "how": "log"}
    assert CARD not in str(JobAudit.objects.get().details)


def test_bad_arguments_change_nothing(boss: Client) -> None:
    job = failed_job()
    response = send(boss, job, "edit", **{"params-a": "x"})
    assert "Enter a whole number." in response.content.decode()
    assert fresh(job).status == Status.FAILED
    assert not JobAudit.objects.exists()


def test_a_job_that_moved_meanwhile_is_left_alone(boss: Client) -> None:
    job = failed_job()
    data = {**hidden(boss.get(page_of(job, "edit"))), "params-a": "5"}
    operations.retry(job)
    operations.cancel(job)
    response = boss.post(page_of(job, "edit"), data)
    assert "changed since you opened the page" in told(response)[-1]
    assert (fresh(job).status, fresh(job).params) == (Status.CANCELLED, {"a": 1})
    operations.retry(job)
    assert "it is pending" in told(boss.post(page_of(job, "edit"), data))[-1]
    assert fresh(job).params == {"a": 1}
    assert not JobAudit.objects.filter(actor="boss").exists()


def test_the_operation_itself_sees_a_job_that_moved(db: None) -> None:
    """Between reading the row and writing it."""
    job = failed_job()
    seen = fresh(job)
    operations.retry(job)
    with pytest.raises(InvalidTransition, match="meanwhile"):
        operations.edit_and_retry(seen, {"a": 2})
    operations.cancel(job)
    with pytest.raises(InvalidTransition, match="meanwhile: cancelled"):
        operations.edit_and_retry(seen, {"a": 2})
    assert fresh(job).params == {"a": 1}
    seen = fresh(job)
    with pytest.raises(InvalidArguments):
        operations.edit_and_retry(seen, {"a": "2"})
    operations.edit_and_retry(seen, {"a": 2}, by="eve")
    assert fresh(job).params == {"a": 2}
    assert path(job)[-1] == Status.PENDING
    Job.objects.all().delete()
    with pytest.raises(InvalidTransition, match="no such job"):
        operations.edit_and_retry(seen, {"a": 2})


@pytest.mark.django_db(transaction=True)
def test_of_two_who_edit_at_the_same_moment_one_wins(at_once: AtOnce) -> None:
    seen = fresh(failed_job())

    def edit(number: int) -> int | None:
        try:
            operations.edit_and_retry(seen, {"a": number})
        except InvalidTransition:
            return None
        return number

    (won,) = {*at_once(*[partial(edit, number) for number in (7, 8)])} - {None}
    assert fresh(seen).params == {"a": won}
    assert path(seen) == [Status.PENDING]
    assert JobAudit.objects.count() == 1


def test_a_unique_key_that_is_taken_leaves_the_arguments_alone(boss: Client) -> None:
    job = failed_job(unique_key="one")
    JobFactory(unique_key="one")
    response = send(boss, job, "edit", **{"params-a": "5"})
    assert told(response)[-1] == "a live job holds its unique key. Nothing was changed."
    assert (fresh(job).status, fresh(job).params) == (Status.FAILED, {"a": 1})
    assert not JobAudit.objects.exists()


def test_what_cannot_be_retried_opens_no_form(boss: Client, any_status: None) -> None:
    for status in (Status.PENDING, Status.RUNNING, Status.COMPLETED):
        job = JobFactory(status=status)
        response = boss.get(page_of(job, "edit"))
        assert response["Location"] == page_of(job)
        assert page_of(job, "edit") not in boss.get(page_of(job)).content.decode()
        assert page_of(job, "rerun") in boss.get(page_of(job)).content.decode()


def test_unknown_jobs_have_no_such_pages(boss: Client) -> None:
    job = failed_job(job_name="tests.long_gone")
    for page in ("edit", "rerun"):
        assert page_of(job, page) not in boss.get(page_of(job)).content.decode()
        response = boss.get(page_of(job, page))
        assert response["Location"] == page_of(job)
        assert "No job of this name is registered here." in told(response)[-1]
    gone = Job(pk=uuid7())
    for page in ("edit", "rerun"):
        assert boss.get(page_of(gone, page)).status_code == 404
        assert boss.put(page_of(job, page)).status_code == 405


class Reversed:
    """A codec; what it stores is no dict."""

    def encode(self, value: Any) -> Any:
        return [[name, value[name]] for name in value] if isinstance(value, dict) else value

    def decode(self, stored: Any) -> Any:
        return dict(stored) if isinstance(stored, list) else stored


def test_arguments_are_stored_by_the_codec(boss: Client, configure: Configure) -> None:
    configure(CODEC=f"{__name__}.Reversed")
    job = failed_job(params=[["a", 3]])
    assert 'value="3"' in boss.get(page_of(job, "edit")).content.decode()
    send(boss, job, "edit", **{"params-a": "4"})
    assert fresh(job).params == [["a", 4]]
    odd = failed_job(params="?")
    assert "cannot be read" in told(boss.get(page_of(odd, "edit")))[-1]


# Run again


def test_a_job_runs_again_as_a_new_one(boss: Client, any_status: None) -> None:
    job = JobFactory(
        status=Status.COMPLETED,
        params={"a": 1},
        queue="reports",
        priority=7,
        tags=["x", "cron"],
        unique_key="u",
    )
    opened = boss.get(page_of(job, "rerun"))
    data = {**hidden(opened), "params-a": "1", "options-reason": "once more"}
    response = boss.post(page_of(job, "rerun"), data)
    new = Job.objects.exclude(pk=job.pk).get()
    assert response["Location"] == page_of(new)
    assert (new.params, new.queue, new.priority, new.tags) == ({"a": 1}, "reports", 7, ["x"])
    assert new.correlation_id == str(job.pk)
    entry = JobAudit.objects.get()
    assert entry.action == AuditAction.ENQUEUE
    assert entry.details == {"ids": [str(new.pk)], "rerun_of": str(job.pk)}
    assert fresh(job).status == Status.COMPLETED
    again = boss.post(page_of(job, "rerun"), data)
    assert again["Location"] == page_of(new)
    assert Job.objects.count() == 2


def test_secrets_go_with_it(boss: Client) -> None:
    job = failed_job(job_name="tests.pay", params={"card": CARD}, correlation_id="order-1")
    opened = boss.get(page_of(job, "rerun"))
    assert CARD not in opened.content.decode()
    data = {**hidden(opened), "params-region": "CA", "params-how": ""}
    assert boss.post(page_of(job, "rerun"), data).status_code == 302
    new = Job.objects.exclude(pk=job.pk).get()
    assert new.params == {"card": CARD, "region": "CA"}
    assert new.correlation_id == "order-1"


# Who may


def test_without_the_permissions_there_is_no_link_and_a_post_is_refused(db: None) -> None:
    job = failed_job()
    allowed = {
        "edit": {"view_job", "view_job_payload", "retry_job"},
        "rerun": {"view_job", "view_job_payload", "enqueue_job"},
    }
    for page, wanted in allowed.items():
        for number, lacking in enumerate(sorted(wanted)):
            client = Client()
            client.force_login(staff(f"{page}-{number}", wanted - {lacking}))
            for method in (client.get, client.post):
                assert method(page_of(job, page)).status_code == 403, (page, lacking)
            shown = client.get(page_of(job))
            assert shown.status_code != 200 or page_of(job, page) not in shown.content.decode()
    assert fresh(job).status == Status.FAILED
    assert Job.objects.count() == 1


def not_reports(user: Any, permission: str, job_name: str | None, queue: str | None) -> bool:
    return permission == "view_job" or queue != "reports"


def test_the_rules_of_a_site_hold_for_the_job(boss: Client, configure: Configure) -> None:
    configure(PERMISSION_HOOK=f"{__name__}.not_reports")
    job = failed_job(queue="reports")
    for page in ("edit", "rerun"):
        assert page_of(job, page) not in boss.get(page_of(job)).content.decode()
        assert boss.get(page_of(job, page)).status_code == 403
        assert boss.post(page_of(job, page)).status_code == 403
    other = failed_job()
    for page in ("edit", "rerun"):
        assert page_of(other, page) in boss.get(page_of(other)).content.decode()


def test_the_pages_ask_the_database_little(boss: Client) -> None:
    job = failed_job()
    for page in ("edit", "rerun"):
        boss.get(page_of(job, page))
        with CaptureQueriesContext(connection) as captured:
            boss.get(page_of(job, page))
        own = [
            one["sql"]
            for one in captured
            if not re.search("django_session|auth_user|SAVEPOINT", one["sql"])
        ]
        assert len(own) <= 3, own


def test_the_ticket_is_there_once(boss: Client) -> None:
    job = failed_job()
    assert set(hidden(boss.get(page_of(job, "rerun")))) == {once.FIELD}
    assert set(hidden(boss.get(page_of(job, "edit")))) == {"jobs_seen"}
