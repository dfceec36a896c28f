"""Forms made of signatures, in a browser: with its date picker, and without any script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_jobs.models import Job
from django_jobs.states import Status
from tests.admin.pages import page_of
from tests.browser.visitor import Visitor
from tests.factories import failed_job
from tests.scenes import fresh

REPORT = "testproject.quakes.jobs.region_report"
SEND = "form.jobs-enqueue input[type=submit]"


@pytest.fixture
def without_scripts(browser: Any, live_server: Any) -> Iterator[Visitor]:
    """A superuser at a browser that runs no script."""
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    cookie = client.cookies["sessionid"]
    context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])
    yield Visitor(context.new_page(), live_server.url)
    context.close()


def test_a_job_is_found_and_enqueued_with_the_date_picker(visitor: Visitor) -> None:
    visitor.open(reverse("admin:django_jobs_catalogue"))
    visitor.page.fill("#jobs-q", "region")
    visitor.page.press("#jobs-q", "Enter")
    visitor.page.get_by_role("link", name=REPORT).click()
    visitor.page.fill("#id_params-region", "CA")
    visitor.page.locator(".field-since .datetimeshortcuts a").first.click()  # today
    visitor.page.locator(SEND).click()
    visitor.page.wait_for_load_state()
    visitor.look()
    job = Job.objects.get()
    assert job.params == {"region": "CA", "since": timezone.localdate().isoformat()}
    assert urlsplit(visitor.page.url).path == page_of(job)
    assert "Enqueued. This is the new job." in visitor.text()
    visitor.page.go_back()
    visitor.page.locator("#id_params-region").wait_for()
    assert visitor.noticed == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_failed_job_is_edited_and_retried(
    request: pytest.FixtureRequest, transactional_db: None, scripts: bool
) -> None:
    visitor: Visitor = request.getfixturevalue("visitor" if scripts else "without_scripts")
    job = failed_job(job_name=REPORT, params={"region": "Califronia", "since": "2026-01-01"})
    visitor.page.goto(page_of(job))
    visitor.page.get_by_role("link", name="Edit and retry…").click()
    visitor.page.fill("#id_params-region", "California")
    visitor.page.locator(SEND).press("Enter")
    visitor.page.wait_for_load_state()
    assert fresh(job).status == Status.PENDING
    assert fresh(job).params == {"region": "California", "since": "2026-01-01"}
    assert "Retried with other parameters: region." in visitor.text()
    assert visitor.noticed == []
