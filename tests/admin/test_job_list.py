"""The list of jobs: what it shows, finds and asks the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs.admin.jobs.listing import reach
from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.states import Status
from tests.admin.pages import list_of
from tests.factories import JobFactory, ago

#: Session and user; the page, its window, numbers on the tabs (two), queues of the filter, both
#: ends of the dates, saved filters.
QUERIES = 2 + 7

TRACEBACK = """Traceback (most recent call last):
  File "jobs.py", line 3, in fetch
    raise ValueError("no answer")
ValueError: no answer
which took long
"""


def listed(client: Client, query: str = "") -> list[Any]:
    response = client.get(f"{list_of('job')}?{query}")
    assert response.status_code == 200, response
    return [job.pk for job in response.context["cl"].result_list]


def job_of(day: datetime, **columns: Any) -> Job:
    """A job whose id is as old as its row."""
    milliseconds = int(day.timestamp() * 1000)
    tail = uuid7().int & ((1 << 80) - 1)
    pk = type(uuid7())(int=milliseconds << 80 | tail)
    job: Job = JobFactory(pk=pk, created_at=day, **columns)
    return job


def test_a_row_tells_the_essentials(any_status: None, boss: Client) -> None:
    JobFactory(
        job_name="shop.bill",
        queue="reports",
        status=Status.RETRYING,
        progress=45,
        attempt_count=2,
        failure_count=1,
        error=TRACEBACK,
    )
    page = boss.get(list_of("job")).content.decode()
    for text in ("retrying", "shop.bill", "reports", '<progress max="100" value="45">', "1 of 3"):
        assert text in page
    assert "ValueError: no answer" in page
    assert "Traceback (most recent" not in page


def test_newest_first_whatever_the_address_says(boss: Client) -> None:
    jobs = JobFactory.create_batch(3)
    newest_first = sorted((job.pk for job in jobs), reverse=True)
    assert listed(boss) == newest_first
    assert listed(boss, "o=1.-2") == newest_first


def test_ended_jobs_come_by_their_end(any_status: None, boss: Client) -> None:
    late = JobFactory(status=Status.FAILED, completed_at=ago(minutes=1))
    early = JobFactory(status=Status.FAILED, completed_at=ago(minutes=9))
    assert listed(boss, "status=failed") == [late.pk, early.pk]
    assert listed(boss, "status=failed&queue=default") == [late.pk, early.pk]
    assert listed(boss) == [early.pk, late.pk]


def test_the_number_of_queries_does_not_grow(any_status: None, boss: Client) -> None:
    JobFactory.create_batch(30, status=Status.FAILED, error=TRACEBACK)
    for query in ("", "status=failed", "queue=default", "q=status:completed+queue:x"):
        with CaptureQueriesContext(connection) as captured:
            listed(boss, query)
        assert len(captured) <= QUERIES, [one["sql"] for one in captured]


def test_large_columns_stay_in_the_database(boss: Client) -> None:
    JobFactory.create_batch(3, params={"x": "y" * 1000})
    with CaptureQueriesContext(connection) as captured:
        listed(boss)
    for one in captured:
        for column in ("params", "result", "tags"):
            assert f'"django_jobs_job"."{column}"' not in one["sql"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=failed", {"a"}),
        ("status=unfinished", {"b", "c"}),
        ("queue=reports", {"b"}),
        ("job=tests.echo", {"c"}),
        ("queue=default&status=pending", {"c"}),
        ("queue=nobody", set()),
    ],
)
def test_filters(any_status: None, boss: Client, query: str, found: set[str]) -> None:
    rows = {
        "a": JobFactory(status=Status.FAILED),
        "b": JobFactory(queue="reports"),
        "c": JobFactory(job_name="tests.echo"),
    }
    assert set(listed(boss, query)) == {rows[name].pk for name in found}


def test_filter_choices_do_not_come_from_the_jobs(boss: Client) -> None:
    JobFactory(queue="unheard-of", job_name="nobody.knows")
    response = boss.get(list_of("job"))
    filters = {
        spec.title: dict(spec.lookup_choices) for spec in response.context["cl"].filter_specs
    }
    assert "tests.echo" in filters["job"]
    assert "reports" in filters["queue"], "named by a registered job"
    assert "unheard-of" not in filters["queue"]


@pytest.mark.parametrize(
    ("term", "is_found"),
    [
        ("import-7", True),
        ("key:7", True),
        ("night", True),
        ("nigh", False),
        ("NIGHT", False),
        ("zürich", True),
        ('"', False),
        ("tests.ech", True),
        ("ECHO", True),
        ("100%", False),
        ("  import-7 ", True),
        ("x" * 5000, False),
    ],
)
def test_search(boss: Client, term: str, is_found: bool) -> None:
    JobFactory()
    job = JobFactory(
        job_name="tests.echo",
        correlation_id="import-7",
        unique_key="key:7",
        tags=["night", "zürich"],
    )
    response = boss.get(list_of("job"), {"q": term})
    found = [one.pk for one in response.context["cl"].result_list]
    assert found == ([job.pk] if is_found else [])


def test_search_by_id_with_a_filter(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.FAILED)
    assert listed(boss, f"q={job.pk}") == [job.pk]
    assert listed(boss, f"q={job.pk.hex}&status=failed") == [job.pk]
    assert listed(boss, f"q={job.pk}&status=pending") == []


def test_search_finds_ended_jobs_and_unregistered_names(any_status: None, boss: Client) -> None:
    job = JobFactory(status=Status.COMPLETED, unique_key="old", job_name="long.gone")
    assert listed(boss, "q=old") == [job.pk]
    assert listed(boss, "q=long.gone") == [job.pk]


def test_questions_without_an_index_go_to_the_newest_jobs(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "WINDOW", 3)
    old = JobFactory(queue="reports", status=Status.COMPLETED, tags=["rare"])
    dead = JobFactory(queue="reports", status=Status.FAILED)
    new = [JobFactory(queue="reports"), *JobFactory.create_batch(2)]
    assert listed(boss, "queue=reports") == [new[0].pk]
    assert listed(boss, "q=rare") == []
    assert "jobs only" in boss.get(f"{list_of('job')}?queue=reports").content.decode()
    # These have indexes, or are asked for with one.
    assert listed(boss, "queue=reports&status=failed") == [dead.pk]
    assert old.pk in listed(boss)
    assert listed(boss, f"q={old.pk}") == [old.pk]


def test_the_window_begins_where_the_asked_time_ends(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "WINDOW", 1)
    JobFactory(status=Status.COMPLETED, completed_at=ago(minutes=5))
    then = JobFactory(status=Status.COMPLETED, completed_at=ago(days=2))
    assert listed(boss, "status=completed&job=tests.add") != [then.pk]
    assert listed(boss, "status=completed&job=tests.add&q=ended:>1d") == [then.pk]


def test_dates_lead_from_year_to_day(boss: Client) -> None:
    first = job_of(datetime(2025, 12, 30, 12, tzinfo=UTC))
    second = job_of(datetime(2026, 2, 3, 12, tzinfo=UTC))
    links = boss.get(list_of("job")).context["cl"].dates["choices"]
    assert [link["title"] for link in links] == ["2025", "2026"]

    address = f"{list_of('job')}{links[1]['link']}"
    page = boss.get(address)
    assert [job.pk for job in page.context["cl"].result_list] == [second.pk]
    titles = [link["title"] for link in page.context["cl"].dates["choices"]]
    assert titles == ["January 2026", "February 2026"]

    day = "created_at__year=2025&created_at__month=12&created_at__day=30"
    assert listed(boss, day) == [first.pk]
    assert listed(boss, day.replace("day=30", "day=31")) == []


def test_dates_of_one_month_begin_with_its_days(boss: Client) -> None:
    job_of(datetime(2026, 2, 3, 12, tzinfo=UTC))
    job_of(datetime(2026, 2, 5, 12, tzinfo=UTC))
    links = boss.get(list_of("job")).context["cl"].dates["choices"]
    assert [link["title"] for link in links] == ["February 3", "February 4", "February 5"]


def test_an_empty_list_is_a_page(boss: Client) -> None:
    assert listed(boss) == []
    assert listed(boss, "created_at__year=2026") == []
