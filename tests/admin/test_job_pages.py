"""Paging by key, the tabs, the rows that move, and qualifiers against the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_jobs.admin.jobs.listing import tabs as job_tabs
from django_jobs.admin.jobs.listing.admin import JobListAdmin
from django_jobs.ids import smallest_at
from django_jobs.models import JobRollup
from django_jobs.states import Status
from tests.admin import typed_jobs
from tests.admin.conftest import LogIn
from tests.admin.pages import list_of
from tests.factories import JobFactory, WorkerFactory, WorkerProcessFactory, ago


def changes(client: Client, address: str = "") -> Any:
    response = client.get(f"{list_of('job')}{address}")
    assert response.status_code == 200, response
    return response.context["cl"]


def walk(client: Client, address: str, link: str) -> list[list[Any]]:
    pages = []
    while address:
        page = changes(client, address)
        pages.append([job.pk for job in page.result_list])
        address = getattr(page, link)
    return pages


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobListAdmin, "list_per_page", 2)


# Pages


@pytest.mark.parametrize("query", ["?", "?status=failed", "?status=failed&queue=default"])
def test_a_walk_meets_every_job_once_and_leads_back(
    any_status: None, small_pages: None, boss: Client, query: str
) -> None:
    same = ago(minutes=5)
    JobFactory.create_batch(3, status=Status.FAILED, completed_at=same)
    JobFactory.create_batch(4, status=Status.FAILED)
    there = walk(boss, query, "older_link")
    assert [len(page) for page in there] == [2, 2, 2, 1]
    assert len({pk for page in there for pk in page}) == 7
    oldest = "?" + query.removeprefix("?")
    while link := changes(boss, oldest).older_link:
        oldest = link
    back = walk(boss, oldest, "newer_link")
    assert back[0] == there[-1]
    assert back[1:-1] == there[-2:0:-1]
    assert back[-1][:2] == there[0][:2], "the newest page is full again"


def test_filters_leave_the_page(any_status: None, small_pages: None, boss: Client) -> None:
    JobFactory.create_batch(5)
    second = changes(boss, changes(boss).older_link)
    for tab in boss.get(f"{list_of('job')}{changes(boss).older_link}").context["jobs_tabs"]:
        assert "before" not in tab.link
    assert second.newest_link == "?"


def test_rows_that_came_in_between_move_nothing(small_pages: None, boss: Client) -> None:
    first = JobFactory.create_batch(4)
    link = changes(boss).older_link
    JobFactory.create_batch(3)
    assert {job.pk for job in changes(boss, link).result_list} == {job.pk for job in first[:2]}


@pytest.mark.parametrize(
    "key",
    [
        "before=",
        "before=x",
        "before=%00",
        "after=" + "g" * 32,
        "before=" + "0" * 32 + ".1",
        "before=" + "0" * 32 + "." + "9" * 30,
        "status=failed&before=" + "0" * 32,
        "status=failed&before=" + "0" * 32 + ".x",
        "status=failed&after=" + "0" * 32 + "." + "9" * 18,
        "before=" + "0" * 32 + "&after=" + "0" * 32,
    ],
)
def test_bad_keys_are_refused_like_filters(boss: Client, key: str) -> None:
    response = boss.get(f"{list_of('job')}?{key}")
    assert (response.status_code, response["Location"]) == (302, f"{list_of('job')}?e=1")


# Tabs


def test_tabs_count(any_status: None, boss: Client) -> None:
    for status in (Status.PENDING, Status.RUNNING, Status.SCHEDULED, Status.FAILED):
        JobFactory.create_batch(2, status=status)
    JobFactory(status=Status.CANCELLED)
    JobFactory(status=Status.CANCELLED, completed_at=ago(days=2))
    JobFactory(status=Status.COMPLETED)
    JobRollup.objects.create(
        start=ago(minutes=3), job_name="tests.add", queue="default", outcome="completed", count=1234
    )
    tabs = boss.get(f"{list_of('job')}?status=failed").context["jobs_tabs"]
    counts = {str(tab.label): tab.count for tab in tabs if tab.count}
    assert counts == {
        "unfinished": "6",
        "pending": "2",
        "running": "2",
        "scheduled": "2",
        "retrying": "0",
        "failed": "2",
        "completed": "1,234",
        "cancelled": "1",
    }
    assert [str(tab.label) for tab in tabs if tab.is_chosen] == ["failed"]
    assert {str(tab.label) for tab in tabs if "24" in tab.about} == {
        "completed",
        "discarded",
        "cancelled",
        "expired",
    }


def test_tabs_count_no_further_than_needed(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_tabs, "COUNT_MAX", 2)
    for status, count in ((Status.FAILED, 3), (Status.SCHEDULED, 4), (Status.PENDING, 2)):
        JobFactory.create_batch(count, status=status)
    counts = {str(tab.label): tab.count for tab in boss.get(list_of("job")).context["jobs_tabs"]}
    assert counts["failed"] == "2+"
    assert counts["scheduled"] == "2+"
    assert counts["pending"] == "2"
    assert counts["unfinished"] == "4+"


def test_tabs_of_an_empty_table(boss: Client) -> None:
    counts = {tab.count for tab in boss.get(list_of("job")).context["jobs_tabs"]}
    assert counts == {"", "0"}


# Qualifiers


@pytest.fixture
def some_jobs(any_status: None) -> dict[str, Any]:
    process = WorkerProcessFactory(worker=WorkerFactory(name="web-1"))
    return {
        "a": JobFactory(params={"region": "CA", "deep": {"list": [1, 2]}}, tags=["night shift"]),
        "b": JobFactory(params={"region": "NV", "size": 5}, queue="reports", priority=9),
        "c": JobFactory(
            params={"region": "CAL", "size": 5.5},
            status=Status.FAILED,
            error="x\nTimeoutError: 100% of it",
            job_name="tests.echo",
            attempt_count=3,
        ),
        "d": JobFactory(
            status=Status.RUNNING,
            worker_process=process.pk,
            unique_key="order:17",
            correlation_id="import-7",
            created_at=ago(days=3),
            pk=smallest_at(ago(days=3)),
        ),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status:failed,running", "cd"),
        ("-status:pending", "cd"),
        ("status:unfinished", "abd"),
        ("queue:reports", "b"),
        ("-queue:reports", "acd"),
        ("queue:rep*", "b"),
        ("queue:reports,default", "abcd"),
        ("job:tests.e*", "c"),
        ("job:*ECHO", "c"),
        ("-job:*ech*", "abd"),
        ("params.region:CA", "a"),
        ("params.region:CA*", "ac"),
        ("params.region:ca", ""),
        ("params.size:5", "b"),
        ("params.size:5.5", "c"),
        ("params.deep.list.1:2", "a"),
        ("params.deep:x", ""),
        ("params.nothing:x", ""),
        ('params.it\'s%:"x"', ""),
        ("error:timeout", "c"),
        ("error:100%", "c"),
        ("error:1_0", ""),
        ('tag:"night shift"', "a"),
        ("-tag:x", "abcd"),
        ("priority:>5", "b"),
        ("priority:0", "acd"),
        ("attempts:>=3", "c"),
        ("created:<2h", "abc"),
        ("created:>2d", "d"),
        ("-created:>2d", "abc"),
        ("ended:<1h", "c"),
        ("status:failed ended:>1h", ""),
        ("worker:web-1", "d"),
        ("worker:web-2", ""),
        ("-worker:web-1", "abc"),
        ("unique:order:17", "d"),
        ("order:17", "d"),
        ("-unique:order:17", "abc"),
        ("correlation:import-7 status:running", "d"),
        ("tests.add queue:reports", "b"),
        ("echo status:failed params.region:CAL", "c"),
    ],
)
def test_qualifiers(boss: Client, some_jobs: dict[str, Any], query: str, found: str) -> None:
    response = boss.get(list_of("job"), {"q": query})
    assert not response.context["cl"].asked.errors
    rows = {job.pk for job in response.context["cl"].result_list}
    assert {name for name, job in some_jobs.items() if job.pk in rows} == set(found)


def test_an_id_in_any_spelling(boss: Client, some_jobs: dict[str, Any]) -> None:
    job = some_jobs["b"]
    for text in (str(job.pk), job.pk.hex.upper()):
        assert [one.pk for one in changes(boss, f"?q=id:{text}").result_list] == [job.pk]


def test_errors_stand_above_an_empty_list(boss: Client) -> None:
    JobFactory()
    response = boss.get(list_of("job"), {"q": "status:fail queue:default"})
    assert response.context["cl"].result_list == []
    page = response.content.decode()
    assert "status: no such status “fail”; one of unfinished" in page
    assert 'aria-invalid="true"' in page


@pytest.mark.parametrize("query", ["params.a:1", "error:x"])
def test_searching_in_payload_needs_the_permission(log_in: LogIn, query: str) -> None:
    JobFactory(error="x")
    client = log_in("view_job")
    page = client.get(list_of("job"), {"q": query})
    assert page.context["cl"].result_list == []
    assert "view_job_payload" in page.content.decode()


def test_hidden_values_cannot_be_searched_for(any_status: None, boss: Client) -> None:
    JobFactory(params={"password": "hunter2", "note": "hunter2", "region": "CA"})
    unknown = JobFactory(job_name="long.gone", params={"region": "CA"})
    refused = boss.get(list_of("job"), {"q": "params.password:hunter2"})
    assert "its values are hidden" in refused.content.decode()
    # The page shows [hidden] here, too: to find it would tell what it is.
    assert changes(boss, "?q=params.note:hunter2").result_list == []
    found = [job.pk for job in changes(boss, "?q=params.region:CA").result_list]
    assert len(found) == 1
    assert unknown.pk not in found


def test_old_jobs_are_left_out_and_the_page_says_so(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobs.admin.jobs.listing.reach.SCATTERED_WINDOW", 2)
    old = JobFactory(status=Status.FAILED, params={"region": "CA"}, completed_at=ago(days=1))
    JobFactory.create_batch(2, status=Status.FAILED)
    response = boss.get(list_of("job"), {"q": "status:failed params.region:CA"})
    assert response.context["cl"].result_list == []
    assert "the newest 2 jobs only" in response.content.decode()
    assert changes(boss, f"?q=id:{old.pk}").result_list == [old]


# Rows that move


def test_unfinished_rows_are_fetched_again(any_status: None, boss: Client) -> None:
    running = JobFactory(status=Status.RUNNING, progress=10)
    ended = JobFactory(status=Status.COMPLETED)
    page = boss.get(list_of("job"))
    url = page.context["jobs_live_url"]
    assert f'data-url="{url}"' in page.content.decode()
    assert running.pk.hex in url
    assert ended.pk.hex not in url
    type(running).objects.filter(pk=running.pk).update(progress=60)
    cells = boss.get(url).content.decode()
    assert f'<span id="job-{running.pk.hex}-status" data-live>' in cells
    assert 'value="60"' in cells
    assert f'id="job-{running.pk.hex}-progress" data-live' in page.content.decode()


def test_a_list_of_ended_jobs_is_left_alone(any_status: None, boss: Client) -> None:
    JobFactory(status=Status.COMPLETED)
    assert "jobs-live" not in boss.get(list_of("job")).content.decode()


@pytest.mark.parametrize("ids", ["", "x", "%00", "0" * 32, "0" * 33, ",,,"])
def test_odd_rows(boss: Client, ids: str) -> None:
    assert boss.get(f"{reverse('admin:django_jobs_job_rows')}?ids={ids}").content == b""


def test_rows_need_the_permission(log_in: LogIn) -> None:
    assert log_in("view_queue").get(reverse("admin:django_jobs_job_rows")).status_code == 403


def test_the_search_box_suggests(boss: Client) -> None:
    page = boss.get(list_of("job")).content.decode()
    for text in (
        "status:failed",
        "queue:reports",
        "job:tests.echo",
        "params.region:",
        "tag:nightly",
    ):
        assert f'<option value="{text}">' in page
    assert f'"job:{typed_jobs.kinds.name}"' in page
    for secret in ("params.pin:", "params.secret:"):
        assert secret not in page
    assert "params.context:" not in page


def test_parameters_are_suggested_to_those_who_may_search_for_them(log_in: LogIn) -> None:
    assert '"params.' not in log_in("view_job").get(list_of("job")).content.decode()
