"""Bars that move while somebody looks: on a site's own page, and on the page of a job."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import include, path

from django_jobs.models import Job
from django_jobs.states import Status
from tests.admin.pages import page_of
from tests.browser.visitor import Visitor
from tests.factories import JobFactory, ago

PAGE = Template(
    "<!doctype html><html lang='en'><head><title>Export</title></head><body>"
    "{% load django_jobs %}{% job_progress job message=True %}</body></html>"
)


def export_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE.render(Context({"job": Job.objects.get()})))


urlpatterns = [
    path("admin/", admin.site.urls),
    path("jobs/", include("django_jobs.urls")),
    path("export/", export_page),
]

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def job(transactional_db: None, any_status: None) -> Job:
    running: Job = JobFactory(
        status=Status.RUNNING, progress=20, attempt_count=1, worker_started_at=ago(minutes=1)
    )
    return running


def wait_for(visitor: Visitor, value: int) -> None:
    visitor.page.wait_for_function(
        "wanted => document.querySelector('progress').value === wanted", arg=value
    )


def test_a_bar_on_a_sites_own_page_moves_without_a_login(job: Job, visitor: Visitor) -> None:
    visitor.page.context.clear_cookies()
    visitor.open("/export/")
    visitor.page.evaluate("window.stayed = true")
    assert visitor.page.locator("a").is_hidden(), "the link is for those without scripts"
    Job.objects.update(progress=70, progress_message="<b>half</b> way")
    wait_for(visitor, 70)
    assert "<b>half</b> way" in visitor.text()
    Job.objects.update(status=Status.COMPLETED, progress=100, completed_at=ago())
    wait_for(visitor, 100)
    assert "completed" in visitor.text()
    assert visitor.page.evaluate("window.stayed"), "the page was loaded again"
    assert visitor.noticed == []


def test_without_scripts_a_link_shows_the_news(job: Job, browser: Any, live_server: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/export/")
    assert "20 %" in page.locator("body").inner_text()
    Job.objects.update(progress=70)
    page.get_by_role("link", name="Refresh").click()
    page.wait_for_load_state()
    assert "70 %" in page.locator("body").inner_text()
    context.close()


def test_the_page_of_a_job_tells_its_course_as_it_goes(job: Job, visitor: Visitor) -> None:
    visitor.open(page_of(job))
    Job.objects.update(progress=50)
    wait_for(visitor, 50)
    assert "Ready in about" in visitor.text()
    Job.objects.update(status=Status.FAILED, completed_at=ago(), failure_count=3)
    visitor.page.get_by_text("It failed 3 of 3 times").wait_for()
    assert visitor.noticed == []
