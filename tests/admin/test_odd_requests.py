"""Addresses that nobody linked to: never an error of the server."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from django_jobs.ids import uuid7
from django_jobs.states import Status
from tests.admin.conftest import LogIn
from tests.admin.pages import act, list_of, told
from tests.factories import CronJobFactory, JobFactory, WorkerFactory

QUERIES = [
    "e=1",
    "p=-1",
    "p=0",
    "p=abc",
    "p=99999999999999999999",
    "o=99.-99.x",
    "all=",
    "status=nonsense",
    "status=%00",
    "queue=%00",
    "queue=",
    "job=%00",
    "job=" + "x" * 5000,
    "status=failed&status=pending",
    "created_at__year=abc",
    "created_at__year=0",
    "created_at__year=1",
    "created_at__year=9999",
    "created_at__year=99999",
    "created_at__year=-5",
    "created_at__year=2026&created_at__month=13",
    "created_at__year=2026&created_at__month=2&created_at__day=31",
    "created_at__year=9999&created_at__month=12&created_at__day=31",
    "created_at__month=3",
    "created_at__day=3",
    "created_at__day=-1",
    "created_at__day=99999999999999999999",
    "action__exact=%00",
    "source__exact=x%00",
    "target=%00&target=x",
    "q=created:<0001-01-01T00:00%2B14:00",
    "q=params" + ".a" * 200 + ":x",
    "created_at__gte=yesterday",
    "at__gte=0001-01-01T00:00%2B14:00",
    "at__lt=9999-12-31T23:59:59-14:00",
    "params__contains=secret",
    "error__regex=(a%2B)%2B",
    "id__in=1",
    "unheard=of",
    "unheard__of=x",
    "transitions__error__contains=secret",
    "q=%00",
    "q=%FF%FE",
    "q=" + "x" * 5000,
    "q=%25%27%22%5C",
    "_facets=True",
    "_popup=1",
    "_changelist_filters=%00",
]

NOBODY = "01a20900-0000-7000-8000-000000000000"  # well formed, and nobody has it
IDS = ["x", "0", "1;drop", "9" * 30, "%00", "..%2F..%2Fetc", "a b", "é", NOBODY]


@pytest.mark.parametrize("model", ["job", "cronjob", "queue", "worker", "jobaudit", "failuregroup"])
def test_d73_odd_filters_lead_to_a_list(boss: Client, model: str) -> None:
    JobFactory()
    CronJobFactory()
    WorkerFactory()
    # Where what is no filter leads to; it is among the queries.
    unfiltered = f"{list_of(model)}?{QUERIES[0]}"
    for query in QUERIES:
        response = boss.get(f"{list_of(model)}?{query}")
        assert response.status_code == 200 or response.headers["Location"] == unfiltered, query


@pytest.mark.parametrize("page", ["change/", "delete/", "history/", "live/", "press/", ""])
@pytest.mark.parametrize("model", ["job", "cronjob", "queue", "worker"])
def test_odd_ids_lead_away(boss: Client, model: str, page: str) -> None:
    for object_id in IDS:
        url = f"{list_of(model)}{object_id}/{page}"
        for response in (boss.get(url), boss.post(url, {"button": "retry"})):
            assert response.status_code in (301, 302, 403, 404, 405), url


@pytest.mark.parametrize("model", ["job", "cronjob"])
@pytest.mark.parametrize("selected", ["x", "\0", "", "9" * 40])
def test_odd_selections_are_refused(boss: Client, model: str, selected: str) -> None:
    action = {"job": "retry", "cronjob": "disable"}[model]
    response = act(boss, model, action, [selected])
    assert response.status_code in (200, 302)
    assert told(response) == ["The selection was not understood."]


def test_ids_of_rows_that_are_gone_are_skipped(boss: Client) -> None:
    assert told(act(boss, "job", "retry", [uuid7()])) == ["Retry: 0 jobs done."]


@pytest.mark.parametrize("index", ["x", "-1", "99"])
@pytest.mark.parametrize("action", ["", "nonsense", "delete_selected"])
def test_odd_actions_do_nothing(boss: Client, action: str, index: str) -> None:
    job = JobFactory()
    assert act(boss, "job", action, [job], index=index).status_code in (200, 302)
    job.refresh_from_db()


@pytest.mark.parametrize("as_of", ["0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00", "x"])
def test_odd_bounds_are_those_of_now(boss: Client, as_of: str) -> None:
    job = JobFactory()
    bounds = {"select_across": "1", "as_of": as_of, "until": str(job.pk)}
    answer = act(boss, "job", "cancel", [job], confirmed="yes", **bounds)
    assert told(answer) == ["Cancel: 1 job done."]


@pytest.mark.parametrize("query", ["statsu:failed", "params.region:CA", "error:boom"])
@pytest.mark.parametrize("confirmed", ["", "yes"])
def test_nothing_is_done_to_what_may_not_be_searched_for(
    log_in: LogIn, any_status: None, query: str, confirmed: str
) -> None:
    """A forged action neither takes a misspelt search for all jobs, nor tells what is in them."""
    job = JobFactory(
        job_name="tests.add", status=Status.FAILED, params={"region": "CA"}, error="boom"
    )
    address = f"{list_of('job')}?q={query}"
    data = {"action": "retry", "select_across": "1", ACTION_CHECKBOX_NAME: job.pk}
    answer = log_in("view_job", "retry_job").post(address, {**data, "confirmed": confirmed})
    assert confirmed or "0 jobs." in answer.content.decode()
    job.refresh_from_db()
    assert job.status == Status.FAILED


def test_odd_buttons_are_refused(boss: Client) -> None:
    job = JobFactory()
    url = reverse("admin:django_jobs_job_press", args=[job.pk])
    for data in ({}, {"button": "x"}, {"button": "__class__"}, {"button": "pause"}):
        assert boss.post(url, data).status_code == 403


def test_odd_reasons_are_kept_readable(boss: Client) -> None:
    job = JobFactory()
    url = reverse("admin:django_jobs_job_press", args=[job.pk])
    for reason in ("\0 NUL", "x" * 10_000, "<script>", quote("é")):
        assert boss.post(url, {"button": "cancel", "reason": reason}).status_code == 302
