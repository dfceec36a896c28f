"""What jobs were given, returned and said: for whom it is, and what nobody sees."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from django_jobs.models import AuditAction, CronJob, Job, JobAudit, JobLog
from django_jobs.names import BULK
from django_jobs.sensitive import HIDDEN
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import list_of, page_of
from tests.factories import CronJobFactory, JobFactory, TransitionFactory, ago

SECRET = "4111-1111-canary"
#: What only those with the permission may see.
PAYLOAD = (
    "region-canary",
    "result-canary",
    "error-canary",
    "line-canary",
    "reason-canary",
    "message-canary",
)
ERROR = "Traceback:\n  File x\nValueError: error-canary"
NEEDED = "You need the permission django_jobs.view_job_payload to see this."


@pytest.fixture
def job(any_status: None) -> Job:
    """A job with something to hide in every place."""
    job: Job = JobFactory(
        job_name="tests.pay",
        status=Status.FAILED,
        params={"card": SECRET, "region": "region-canary", "nested": [{"password": SECRET}]},
        result={"card": SECRET, "token": SECRET, "echo": f"result-canary {SECRET}"},
        error=ERROR,
        progress=40,
        progress_message="message-canary",
        attempt_count=1,
    )
    for actor, reason in (("worker:w1", "ValueError: reason-canary"), ("ada", "ada's reason")):
        TransitionFactory(
            job=job,
            actor=actor,
            to_status=Status.FAILED,
            reason=reason,
            error=ERROR if actor != "ada" else "",
            attempt=1,
        )
    JobLog.objects.create(
        job=job, attempt=1, at=ago(), level="info", message="line-canary", data={"n": 1}
    )
    return job


def texts(client: Client, job: Job) -> dict[str, str]:
    urls = [list_of("job"), page_of(job), page_of(job, "live"), page_of(job, "history")]
    return {url: client.get(url).content.decode() for url in urls}


def test_without_the_permission_nothing_of_it_is_shown(log_in: LogIn, job: Job) -> None:
    shown = texts(log_in("view_job", "retry_job", "cancel_job", "discard_job", "delete_job"), job)
    for url, text in shown.items():
        assert not [word for word in PAYLOAD if word in text], url
    assert NEEDED in shown[page_of(job)]
    assert NEEDED in shown[page_of(job, "live")]
    assert "ada&#x27;s reason" in shown[page_of(job)], "what operators say is for operators"
    assert "worker:w1" in shown[page_of(job)]


def test_with_the_permission_all_but_secrets_is_shown(log_in: LogIn, job: Job) -> None:
    shown = texts(log_in("view_job", "view_job_payload"), job)
    page = shown[page_of(job)]
    assert not [word for word in PAYLOAD if word not in page]
    assert "error-canary" in shown[list_of("job")]
    assert NEEDED not in page
    assert page.count(HIDDEN) == 5


def test_nobody_sees_secrets(boss: Client, job: Job) -> None:
    for url, text in texts(boss, job).items():
        assert SECRET not in text, url


def test_of_a_job_that_is_not_registered_no_value_is_shown(boss: Client, job: Job) -> None:
    Job.objects.update(job_name="long.gone")
    page = texts(boss, job)[page_of(job)]
    assert "region-canary" not in page
    assert "region" in page


# Schedules


@pytest.fixture
def schedule(db: None) -> CronJob:
    made: CronJob = CronJobFactory(
        job_name="tests.pay", params={"card": SECRET, "region": "region-canary"}
    )
    return made


def form_of(row: CronJob, **changes: str) -> dict[str, str]:
    return {
        "name": row.name,
        "job_name": row.job_name,
        "cron_expression": row.cron_expression,
        "timezone": row.timezone,
        "enabled": "on",
        "missed_policy": "latest",
        "missed_max": "10",
        "overlap_policy": "queue",
        "slots-TOTAL_FORMS": "0",
        "slots-INITIAL_FORMS": "0",
        **changes,
    }


def typed(row: CronJob, **params: Any) -> dict[str, str]:
    return form_of(row, params=json.dumps(params))


@pytest.mark.parametrize("managed_by_code", [False, True])
@pytest.mark.parametrize("rights", [["view_cronjob"], ["view_cronjob", "change_cronjob"]])
@pytest.mark.parametrize("payload", [[], ["view_job_payload"]])
def test_parameters_of_a_schedule_are_masked_or_hidden(
    log_in: LogIn, schedule: CronJob, rights: list[str], payload: list[str], managed_by_code: bool
) -> None:
    CronJob.objects.update(managed_by_code=managed_by_code)
    text = log_in(*rights, *payload).get(page_of(schedule)).content.decode()
    assert SECRET not in text
    assert ("region-canary" in text) == bool(payload)
    assert (NEEDED in text) == (not payload)
    is_editable = "change_cronjob" in rights and bool(payload) and not managed_by_code
    assert ('name="params"' in text) == is_editable


def test_nobody_sees_secrets_of_a_schedule(boss: Client, schedule: CronJob) -> None:
    for url in (list_of("cronjob"), page_of(schedule), page_of(schedule, "delete")):
        assert SECRET not in boss.get(url).content.decode(), url


def test_who_may_not_see_parameters_changes_the_rest(log_in: LogIn, schedule: CronJob) -> None:
    client = log_in("view_cronjob", "change_cronjob")
    before = schedule.params
    response = client.post(page_of(schedule), typed(schedule, card="x") | {"priority": "7"})
    assert response.status_code == 302
    schedule.refresh_from_db()
    assert (schedule.params, schedule.priority) == (before, 7)
    refused = client.post(page_of(schedule), form_of(schedule, job_name="tests.add"))
    assert "job_name" in refused.context["adminform"].form.errors
    assert SECRET not in refused.content.decode()


def test_secrets_go_to_no_other_job_by_somebody_who_may_not_see_them(
    log_in: LogIn, schedule: CronJob
) -> None:
    CronJob.objects.update(params={"card": SECRET})
    client = log_in("view_cronjob", "change_cronjob")
    refused = client.post(page_of(schedule), form_of(schedule, job_name="tests.show_card"))
    assert "job_name" in refused.context["adminform"].form.errors
    schedule.refresh_from_db()
    assert schedule.job_name == "tests.pay"
    CronJob.objects.update(job_name="tests.show_card")  # here it is none
    client.post(page_of(schedule), form_of(schedule, job_name="tests.pay"))
    schedule.refresh_from_db()
    assert (schedule.job_name, schedule.params) == ("tests.pay", {"card": SECRET})


def test_what_is_masked_and_not_touched_keeps_its_value(boss: Client, schedule: CronJob) -> None:
    boss.post(page_of(schedule), typed(schedule, card=HIDDEN, region="NV"))
    schedule.refresh_from_db()
    assert schedule.params == {"card": SECRET, "region": "NV"}
    boss.post(page_of(schedule), typed(schedule, card="new", region="NV"))
    schedule.refresh_from_db()
    assert schedule.params == {"card": "new", "region": "NV"}


@pytest.mark.parametrize(
    "changes",
    [
        {"params": json.dumps({"card": "c", "region": HIDDEN})},
        {"params": json.dumps({"card": [HIDDEN]})},
        {"params": json.dumps({"value": HIDDEN}), "job_name": "tests.echo"},
        {"params": json.dumps({"value": {"card": HIDDEN}}), "job_name": "tests.echo"},
    ],
)
def test_a_masked_value_is_not_moved_to_where_it_shows(
    boss: Client, schedule: CronJob, changes: dict[str, str]
) -> None:
    before = schedule.params
    response = boss.post(page_of(schedule), form_of(schedule, **changes))
    assert "params" in response.context["adminform"].form.errors
    schedule.refresh_from_db()
    assert schedule.params == before


def test_a_new_schedule_takes_parameters_from_everybody(log_in: LogIn) -> None:
    client = log_in("view_cronjob", "add_cronjob")
    row = CronJob(name="new", job_name="tests.pay", cron_expression="0 3 * * *", timezone="UTC")
    url = reverse("admin:django_jobs_cronjob_add")
    assert 'name="params"' in client.get(url).content.decode()
    assert client.post(url, typed(row, card=SECRET)).status_code == 302
    assert CronJob.objects.get().params == {"card": SECRET}


@pytest.mark.parametrize("search", ["params.region:region-canary", 'error:"error-canary \\" it"'])
def test_what_was_searched_for_stays_out_of_audit_and_log(
    boss: Client, job: Job, monkeypatch: pytest.MonkeyPatch, search: str
) -> None:
    """There it is read by many who may not see it."""
    monkeypatch.setattr("django_jobs.admin.jobs.actions.AT_ONCE", -1)
    query = urlencode({"q": f"queue:default {search} -tag:x"})
    boss.post(f"{reverse('admin:django_jobs_job_export')}?{query}", {"format": "csv"})
    data = {"action": "retry", "select_across": "1", "confirmed": "yes"}
    boss.post(f"{list_of('job')}?{query}", {**data, ACTION_CHECKBOX_NAME: job.pk})
    shown = f"queue:default {search.partition(':')[0]}:… -tag:x"
    assert JobAudit.objects.get(action=AuditAction.EXPORT).target == shown
    assert LogEntry.objects.get().change_message.endswith(shown)
    assert Job.objects.get(job_name=BULK).params["target"] == shown
