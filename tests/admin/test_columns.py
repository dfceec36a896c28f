"""The columns of the list of jobs, as each person wants them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import LogIn
from tests.admin.pages import list_of
from tests.factories import JobFactory

pytestmark = pytest.mark.django_db

USUAL = [
    "status_badge",
    "job_and_error",
    "queue",
    "progress_bar",
    "attempts",
    "created_shortly",
    "took",
    "scheduled_shortly",
    "priority",
]


def columns(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{list_of('job')}?{query}").content.decode()
    return re.findall(r'scope="col" class="column-(\w+)"', page)


def choose(client: Client, *names: str, query: str = "", **more: str) -> Any:
    url = f"{reverse('admin:django_jobs_job_columns')}?{query}"
    return client.post(url, {"column": names, **more})


def test_columns_are_chosen_and_kept(boss: Client) -> None:
    JobFactory(correlation_id="import-7 <b>")
    assert columns(boss) == USUAL
    answer = choose(boss, "correlation_id", "queue", query="status=pending")
    assert answer["Location"] == f"{list_of('job')}?status=pending"
    assert columns(boss) == ["status_badge", "job_and_error", "queue", "correlation_id"]
    page = boss.get(list_of("job")).content.decode()
    assert "import-7 &lt;b&gt;" in page
    assert re.findall(r'name="column" value="(\w+)" checked', page) == ["queue", "correlation_id"]
    choose(boss, usual="yes")
    assert columns(boss) == USUAL


def test_of_ended_jobs_the_end_takes_the_place_of_the_due_time(boss: Client) -> None:
    JobFactory()
    choose(boss, "scheduled_shortly")
    assert columns(boss) == ["status_badge", "job_and_error", "scheduled_shortly"]
    page = boss.get(f"{list_of('job')}?status=failed").context["cl"]
    assert page.list_display[1:] == ["status_badge", "job_and_error", "ended_shortly"]


@pytest.mark.parametrize("odd", ["", "params.error", "__class__", "x" * 4000, "queue;queue,\0"])
def test_a_forged_choice_shows_no_more(boss: Client, odd: str) -> None:
    JobFactory()
    choose(boss, odd, "params", "result")
    boss.cookies["django_jobs_columns"] = f"{odd}.params.error.result"
    assert columns(boss) == ["status_badge", "job_and_error"]


def test_only_a_post_of_somebody_who_sees_jobs_chooses(boss: Client, log_in: LogIn) -> None:
    assert boss.get(reverse("admin:django_jobs_job_columns")).status_code == 405
    assert choose(log_in("view_queue"), "queue").status_code == 403
