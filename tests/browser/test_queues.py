"""A queue is paused and resumed on its page: what the page says, and what a worker gets then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_jobs.models import AuditAction, Job, JobAudit, Queue
from tests.admin.pages import list_of, page_of
from tests.browser.visitor import Visitor
from tests.factories import JobFactory
from tests.scenes import claim

pytestmark = pytest.mark.django_db(transaction=True)

REASON = "the disk is full"


@pytest.fixture
def waiting(transactional_db: None) -> Job:
    """A job that waits in a queue."""
    job: Job = JobFactory(queue="reports")
    return job


def row_of(visitor: Visitor, label: str) -> str:
    """What stands beside a label of the page."""
    row = visitor.page.locator(".form-row", has_text=label).first
    return str(row.locator(".readonly").inner_text())


def taken() -> list[str]:
    """The queues of the jobs that a worker gets now."""
    return [job.queue for job in claim(queue="reports")]


def test_a_queue_is_paused_for_a_reason_until_a_time(waiting: Job, visitor: Visitor) -> None:
    end = (timezone.now() + timedelta(hours=3)).replace(second=0, microsecond=0)
    visitor.open(list_of("queue"))
    visitor.page.get_by_role("link", name="reports", exact=True).click()
    visitor.page.get_by_label("or until").fill(f"{end:%Y-%m-%dT%H:%M}")
    visitor.page.get_by_label("Reason").first.fill(REASON)
    assert visitor.press("Pause") == "1 queue paused."
    assert "paused" in row_of(visitor, "State")
    assert f"{end:%H:%M}" in row_of(visitor, "Resumes")
    assert row_of(visitor, "Paused by") == "boss"
    assert row_of(visitor, "Pause reason") == REASON
    assert visitor.page.get_by_role("button", name="Pause", exact=True).count() == 0
    assert taken() == []
    assert Queue.objects.get().paused_until == end
    assert visitor.noticed == []


def test_a_paused_queue_is_resumed_and_its_jobs_are_taken(waiting: Job, visitor: Visitor) -> None:
    visitor.open(page_of(Queue(name="reports")))
    visitor.press("Pause")
    assert taken() == []
    assert visitor.press("Resume") == "1 queue resumed."
    assert row_of(visitor, "State") == "open"
    assert visitor.page.get_by_role("button", name="Pause", exact=True).is_visible()
    assert taken() == ["reports"]
    told = JobAudit.objects.order_by("pk").values_list("action", "actor")
    assert list(told) == [(AuditAction.PAUSE, "boss"), (AuditAction.RESUME, "boss")]
    assert visitor.noticed == []
