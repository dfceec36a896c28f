"""Names for what is asked of the list again and again."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_jobs.models import SavedFilter
from tests.admin.conftest import LogIn
from tests.admin.pages import list_of, told


def save(client: Client, query: str, name: str = "Night", **more: str) -> Any:
    url = f"{reverse('admin:django_jobs_job_save_filter')}?{query}"
    return client.post(url, {"name": name, **more})


def names(client: Client) -> list[str]:
    return [one.row.name for one in client.get(list_of("job")).context["jobs_saved"]]


def test_a_view_is_saved_and_found_again(boss: Client) -> None:
    response = save(boss, "status=failed&q=queue:reports&before=" + "0" * 32 + ".1")
    assert response["Location"] == f"{list_of('job')}?q=queue%3Areports&status=failed"
    row = SavedFilter.objects.get()
    assert (row.owner, row.name, row.is_shared) == ("boss", "Night", False)
    assert row.query == "q=queue%3Areports&status=failed"
    page = boss.get(f"{list_of('job')}?{row.query}")
    (one,) = page.context["jobs_saved"]
    assert one.is_mine
    assert one.is_chosen
    assert f'href="{list_of("job")}?q=queue%3Areports&amp;status=failed"' in page.content.decode()


def test_the_same_name_is_replaced(boss: Client) -> None:
    save(boss, "status=failed")
    save(boss, "status=pending", shared="yes")
    row = SavedFilter.objects.get()
    assert (row.query, row.is_shared) == ("status=pending", True)


def test_others_see_what_is_shared_and_cannot_remove_it(boss: Client, log_in: LogIn) -> None:
    save(boss, "status=failed", "Mine")
    save(boss, "status=pending", "Ours", shared="yes")
    other = log_in("view_job")
    assert names(other) == ["Ours"]
    assert names(boss) == ["Mine", "Ours"]
    row = SavedFilter.objects.get(name="Ours")
    url = reverse("admin:django_jobs_job_remove_filter")
    assert told(other.post(url, {"filter": row.pk})) == ["You have no such filter."]
    boss.post(url, {"filter": row.pk})
    assert names(boss) == ["Mine"]


@pytest.mark.parametrize("query", ["q=params.customer:4711", "q=status:failed+error:secret"])
def test_what_others_ask_about_payload_is_not_for_everybody(
    boss: Client, log_in: LogIn, query: str
) -> None:
    save(boss, query, shared="yes")
    assert names(log_in("view_job")) == []
    assert names(log_in("view_job", "view_job_payload")) == ["Night"]


def test_it_is_removed_where_numbers_are_grouped(boss: Client, settings: Any) -> None:
    settings.USE_THOUSAND_SEPARATOR = True
    SavedFilter.objects.create(pk=4711, owner="boss", name="Night", query="status=failed")
    page = boss.get(list_of("job")).content.decode()
    assert '<input type="hidden" name="filter" value="4711">' in page


@pytest.mark.parametrize(
    ("query", "name", "complaint"),
    [
        ("status=failed", "", "name: 1 to 60 characters."),
        ("status=failed", "x" * 61, "name: 1 to 60 characters."),
        ("q=status:fail", "x", "status: no such status"),
        ("", "x", "Choose a status, a queue, a job, a date or a search first."),
        ("q=" + "%20" * 400, "x", "Choose a status"),
    ],
)
def test_odd_ones_are_refused(boss: Client, query: str, name: str, complaint: str) -> None:
    (message,) = told(save(boss, query, name))
    assert message.startswith(complaint)
    assert not SavedFilter.objects.exists()


def test_what_is_no_filter_is_not_saved(boss: Client) -> None:
    assert save(boss, "unheard=of")["Location"] == f"{list_of('job')}?e=1"
    assert save(boss, "status=nonsense")["Location"] == f"{list_of('job')}?e=1"
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "9" * 30, "²"])
def test_odd_numbers_are_no_filters(boss: Client, number: str) -> None:
    url = reverse("admin:django_jobs_job_remove_filter")
    assert told(boss.post(url, {"filter": number})) == ["You have no such filter."]


def test_names_are_text_only(boss: Client) -> None:
    save(boss, "status=failed", "<img src=x>")
    assert "<img src=x>" not in boss.get(list_of("job")).content.decode()


@pytest.mark.parametrize("view", ["save_filter", "remove_filter"])
def test_it_asks_for_post_and_the_permission(boss: Client, log_in: LogIn, view: str) -> None:
    url = reverse(f"admin:django_jobs_job_{view}")
    assert boss.get(url).status_code == 405
    assert log_in("view_queue").post(url, {"name": "x"}).status_code == 403
