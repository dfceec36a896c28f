"""The list of jobs as people use it: bars that move, everything at once, and no script at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from django_jobs.models import Job
from django_jobs.states import Status
from tests.admin.pages import list_of
from tests.browser.visitor import Visitor
from tests.factories import JobFactory, ago

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_bar_moves_without_a_reload(any_status: None, visitor: Visitor) -> None:
    job = JobFactory(status=Status.RUNNING, progress=10)
    visitor.open(list_of("job"))
    bar = visitor.page.locator(f"#job-{job.pk.hex}-progress progress[value='70']")
    assert not bar.count()
    Job.objects.filter(pk=job.pk).update(progress=70)
    bar.wait_for()
    assert visitor.noticed == []


def test_each_word_of_a_search_gets_suggestions(visitor: Visitor) -> None:
    visitor.open(list_of("job"))
    for typed, before in (
        ("sta", ""),
        ("status:failed qu", "status:failed "),
        ('tag:"a b', ""),
        ('tag:"a b" -jo', 'tag:"a b" -'),
    ):
        visitor.page.fill("#searchbar", typed)
        offered = visitor.page.eval_on_selector_all(
            "#jobs-suggestions option", "options => options.map(option => option.value)"
        )
        assert {f"{before}status:failed", f"{before}job:tests.add"} <= set(offered), typed
    assert visitor.noticed == []


def test_everything_that_a_search_finds_is_retried(
    any_status: None, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_jobs.admin.jobs.listing.admin.JobListAdmin.list_per_page", 2)
    JobFactory.create_batch(5, status=Status.FAILED, params={"region": "CA"})
    JobFactory(status=Status.FAILED)
    page = visitor.page
    visitor.open(list_of("job"))
    page.fill("#searchbar", "status:failed params.region:CA")
    page.press("#searchbar", "Enter")
    page.wait_for_url("**q=status**")
    page.check("#action-toggle")
    page.click("span.question a")
    page.select_option("select[name=action]", "retry")
    page.click("button[name=index]")
    page.fill("input[name=reason]", "ticket 4711")
    assert "5 jobs: 5 failed" in visitor.text()
    page.click("input[type=submit][value=Retry]")
    page.wait_for_selector("ul.messagelist")
    assert "Retry: 5 jobs done." in visitor.text()
    assert Job.objects.failed().count() == 1
    assert visitor.noticed == []


def test_everything_works_without_scripts(
    any_status: None,
    browser: Any,
    live_server: Any,
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("django_jobs.admin.jobs.listing.admin.JobListAdmin.list_per_page", 2)
    JobFactory.create_batch(5, status=Status.FAILED)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    cookie = admin_client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{list_of('job')}?status=failed")
    page.click("a[rel=next]")
    page.click("a[rel=next]")
    assert page.locator("#result_list tbody tr").count() == 1
    page.click("a[rel=prev]")
    page.locator("input.action-select").first.check()
    page.check("noscript input[name=select_across]")
    page.select_option("select[name=action]", "cancel")
    page.click("button[name=index]")
    assert "0 jobs" in page.inner_text("body"), "failed jobs can't be cancelled"
    page.click("a.cancel-link")
    page.locator("input.action-select").first.check()
    page.check("noscript input[name=select_across]")
    page.select_option("select[name=action]", "retry")
    page.click("button[name=index]")
    page.click("input[type=submit][value=Retry]")
    assert "Retry: 5 jobs done." in page.inner_text("body")
    context.close()


def test_on_a_phone_the_filter_opens_above_the_list(any_status: None, visitor: Visitor) -> None:
    JobFactory()
    page = visitor.page
    page.set_viewport_size({"width": 390, "height": 800})
    visitor.open(list_of("job"))
    filter_box = page.locator("#changelist-filter")
    assert not filter_box.is_visible(), "it would be all that one sees"
    page.click(".jobs-show-filter")
    assert filter_box.is_visible()
    assert filter_box.bounding_box()["y"] < page.locator("#result_list").bounding_box()["y"]
    page.click(".jobs-hide-filter")
    assert not filter_box.is_visible()
    page.click(".jobs-show-filter")
    page.locator("#changelist-filter").get_by_role("link", name="default", exact=True).click()
    page.wait_for_url("**queue=default")
    page.get_by_role("link", name="Clear all filters").click()
    page.wait_for_url(f"**{list_of('job')}*")
    assert "queue=" not in page.url
    assert visitor.noticed == []


def test_ages_stay_true_on_a_page_that_stays_open(any_status: None, visitor: Visitor) -> None:
    JobFactory(status=Status.COMPLETED, scheduled_for=ago(minutes=3, seconds=20))
    visitor.page.clock.install()
    visitor.open(list_of("job"))
    age = visitor.page.locator("#result_list .field-scheduled_shortly .jobs-age")
    assert age.inner_text() == "3 min ago"
    visitor.page.clock.fast_forward(4 * 60_000)
    assert age.inner_text() == "7 min. ago"
    assert visitor.noticed == []
