"""What each screen is there for, done by a person: failures, workers, schedules."""

from __future__ import annotations

import pytest

from django_jobs.models import (
    DesiredState,
    FailureGroup,
    FailureRetry,
    Job,
    WorkerState,
)
from tests.admin.pages import list_of
from tests.browser.visitor import Visitor
from tests.factories import (
    CronJobFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ahead,
    failed_job,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_failed_for_one_reason_is_retried_as_a_canary(visitor: Visitor) -> None:
    group = FailureGroup.objects.create(
        fingerprint="1" * 16, job_name="tests.pay", exception_type="shop.Declined", count=2
    )
    for _ in range(2):
        failed_job(job_name="tests.pay", fingerprint=group.pk)
    visitor.open(list_of("failuregroup"))
    with visitor.page.expect_navigation():
        visitor.page.locator("#result_list a", has_text="tests.pay").first.click()
    visitor.press("Retry as canary")
    assert visitor.page.get_by_role("button", name="Stop", exact=False).first.is_visible()
    assert FailureRetry.objects.get().fingerprint == group.pk
    assert Job.objects.pending().get().job_name == "jobs.retry_failures"
    assert visitor.noticed == []


def test_a_worker_is_drained(visitor: Visitor) -> None:
    worker = WorkerFactory(name="web1", queues={"default": 2}, state=WorkerState.RUNNING)
    WorkerProcessFactory(worker=worker)
    visitor.open(list_of("worker"))
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name="web1", exact=True).click()
    visitor.press("Drain")
    worker.refresh_from_db()
    assert worker.desired_state == DesiredState.DRAIN
    assert "claim nothing new" in visitor.text()
    assert visitor.noticed == []


def test_a_schedule_is_run_now_and_switched_off(visitor: Visitor) -> None:
    cron = CronJobFactory(
        name="nightly", job_name="tests.add", params={"a": 1}, next_run_at=ahead(days=1)
    )
    visitor.open(list_of("cronjob"))
    with visitor.page.expect_navigation():
        visitor.page.get_by_role("link", name="nightly", exact=True).click()
    assert visitor.press("Enqueue now") == "1 job enqueued."
    assert list(Job.objects.values_list("status", "params")) == [("pending", {"a": 1})]
    visitor.press("Switch off")
    cron.refresh_from_db()
    assert not cron.enabled
    assert visitor.noticed == []
