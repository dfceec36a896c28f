"""Live pages: they follow what happens, can be stopped, and say when they cannot follow."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_jobs.admin.overview.kept import forget, keep
from django_jobs.admin.overview.light import NAME, SECONDS, Light
from django_jobs.models import Worker, WorkerState
from django_jobs.states import Status
from tests.browser.visitor import Visitor
from tests.factories import JobFactory, WorkerFactory, ago

URL = "/admin/django_jobs/"
DUE = ".jobs-tile-pending .jobs-tile-number"


@pytest.fixture
def working(transactional_db: None, any_status: None) -> Worker:
    keep(NAME, SECONDS, Light("ok"))
    return WorkerFactory(state=WorkerState.RUNNING, last_heartbeat_at=ago(seconds=-600))


def wait_for(visitor: Visitor, selector: str, text: str) -> None:
    visitor.page.locator(selector, has_text=re.compile(rf"^\s*{text}")).wait_for()


def asked(visitor: Visitor) -> list[int]:
    """The status of each answer to the script, from now on."""
    found: list[int] = []
    visitor.page.on(
        "response", lambda one: found.append(one.status) if "/live/" in one.url else None
    )
    return found


def look_again(visitor: Visitor) -> None:
    """Let the script look once more, now."""
    with visitor.page.expect_response(lambda one: "/live/" in one.url):
        visitor.page.clock.fast_forward(10_000)


def test_the_overview_follows_what_happens(working: Worker, visitor: Visitor) -> None:
    visitor.open(URL)
    wait_for(visitor, ".jobs-sentence", "Healthy")
    wait_for(visitor, DUE, "0")
    JobFactory(status=Status.PENDING, queue="reports", scheduled_for=ago(minutes=14, seconds=20))
    wait_for(visitor, DUE, "1")
    wait_for(visitor, ".jobs-sentence", "reports is 14 min behind")
    assert visitor.noticed == []


def test_what_did_not_change_is_not_sent_again(working: Worker, visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.open(URL)
    answers = asked(visitor)
    for _ in range(3):
        look_again(visitor)
    assert answers[0] == 200
    assert 304 in answers[1:]
    assert visitor.noticed == []


def test_a_paused_page_stays_as_it_is(working: Worker, visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.open(URL)
    button = visitor.page.get_by_role("button", name="Pause")
    button.focus()
    visitor.page.keyboard.press("Enter")
    wait_for(visitor, ".jobs-live-controls span", "Paused at")
    answers = asked(visitor)
    JobFactory(status=Status.PENDING)
    visitor.page.clock.fast_forward(60_000)
    wait_for(visitor, ".jobs-live-controls span", "Paused at")
    assert answers == []
    wait_for(visitor, DUE, "0")
    visitor.page.get_by_role("button", name="Resume").click()
    wait_for(visitor, DUE, "1")
    wait_for(visitor, ".jobs-live-controls span", "Live")


def test_a_page_that_is_not_answered_says_so(working: Worker, visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.open(URL)
    visitor.page.route("**/live/*", lambda route: route.fulfill(status=500))
    for _ in range(2):
        look_again(visitor)
    wait_for(visitor, ".jobs-live-controls span", r"Not live since \d")
    visitor.page.unroute("**/live/*")
    visitor.page.get_by_role("button", name="Pause").click()
    visitor.page.get_by_role("button", name="Resume").click()
    wait_for(visitor, ".jobs-live-controls span", "Live")


def test_without_scripts_the_page_is_whole(working: Worker, browser: Any, visitor: Visitor) -> None:
    visitor.open(URL)
    context = browser.new_context(
        java_script_enabled=False, storage_state=visitor.page.context.storage_state()
    )
    page = context.new_page()
    page.goto(visitor.page.url)
    assert "Healthy" in page.locator("body").inner_text()
    assert page.locator("button", has_text="Pause").count() == 0
    page.get_by_role("link", name="7 days").click()
    assert page.locator(".jobs-reach").count() == 42
    page.locator(".jobs-tile-failed a").click()
    assert "status=failed" in page.url
    context.close()


def test_the_doctor_looks_once_the_page_is_shown(working: Worker, visitor: Visitor) -> None:
    forget(NAME)
    JobFactory(status=Status.PENDING, queue="nobodys")
    visitor.open(URL)
    wait_for(visitor, ".jobs-light", "Doctor: problem")
    visitor.page.locator(".jobs-lamp").wait_for(state="detached")
    assert visitor.noticed == []


def test_without_scripts_the_doctor_has_looked_when_the_page_is_loaded_again(
    working: Worker, browser: Any, visitor: Visitor
) -> None:
    visitor.open("/admin/")
    forget(NAME)
    JobFactory(status=Status.PENDING, queue="nobodys")
    context = browser.new_context(
        java_script_enabled=False, storage_state=visitor.page.context.storage_state()
    )
    page = context.new_page()
    page.goto(f"{visitor.page.url}django_jobs/", wait_until="load")
    assert "Doctor: has not looked yet." in page.locator(".jobs-light").inner_text()
    page.reload()
    assert "Doctor: problem" in page.locator(".jobs-light").inner_text()
    context.close()


def test_a_job_that_ended_is_looked_at_no_more(working: Worker, visitor: Visitor) -> None:
    job = JobFactory(status=Status.RUNNING, progress=40)
    visitor.open(f"/admin/django_jobs/job/{job.pk}/change/")
    wait_for(visitor, ".jobs-live-controls span", "Live")
    type(job).objects.filter(pk=job.pk).update(
        status=Status.COMPLETED, progress=100, completed_at=ago()
    )
    visitor.page.locator("#jobs-summary[data-finished]").wait_for()
    visitor.page.locator(".jobs-live-controls").wait_for(state="hidden")
    assert visitor.noticed == []
