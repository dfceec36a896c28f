"""A whole round without a mouse: from the overview to a failed job, which is read and retried."""

from __future__ import annotations

from typing import Final

import pytest

from django_jobs.states import Status
from tests.browser.visitor import Visitor
from tests.factories import failed_job
from tests.scenes import fresh

#: Whoever needs more presses of Tab than that gives up.
PRESSES_MAX: Final = 100
FOCUSED: Final = """() => {
    const one = document.activeElement;
    return one.matches(":focus-visible") ? one.textContent.trim() : "";
}"""


@pytest.mark.django_db(transaction=True)
def test_a_failed_job_is_found_and_retried_by_keyboard(visitor: Visitor) -> None:
    job = failed_job(job_name="tests.add", failure_count=3)
    visitor.open("/admin/django_jobs/")
    go(visitor, "Jobs", within=".jobs-navigation")
    go(visitor, "Failed", within=".jobs-tabs")
    if visitor.page.locator(".jobs-skip-filter").is_visible():  # from Django 6.0 on
        go(visitor, "Skip the filter", within="#changelist")
    go(visitor, "tests.add", within="#result_list")
    assert str(job.pk) in visitor.page.url
    copy(visitor)
    go(visitor, "Retry", within="#jobs-buttons")
    visitor.page.locator(".messagelist").wait_for()
    assert visitor.page.locator("#jobs-summary .jobs-badge").inner_text() == "pending"
    assert fresh(job).status == Status.PENDING
    assert visitor.noticed == []


def copy(visitor: Visitor) -> None:
    """Copy the first text of the page that can be copied."""
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = visitor.page.locator(".jobs-copy").first
    text = button.locator("xpath=following-sibling::pre").inner_text()
    button.press("Enter")
    visitor.page.get_by_role("button", name="Copied").wait_for()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == text


def go(visitor: Visitor, name: str, *, within: str) -> None:
    """Press Tab until the focus, which can be seen, is on a name in a place; then Enter."""
    page = visitor.page
    for _ in range(PRESSES_MAX):
        page.keyboard.press("Tab")
        is_there = page.evaluate("where => !!document.activeElement.closest(where)", within)
        if is_there and page.evaluate(FOCUSED).startswith(name):
            break
    else:
        pytest.fail(f"Tab does not reach {name!r} on {page.url}")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    visitor.look()
