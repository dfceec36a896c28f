"""Queues with limits: how many of their jobs run at once, and how many start in a minute."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jobs import operations
from django_jobs.exceptions import InvalidOption
from django_jobs.models import AuditAction, AuditSource, JobAudit, Queue
from django_jobs.outcome import Outcome
from django_jobs.services import all_services
from django_jobs.stores.base import Store
from tests.factories import JobFactory, ago
from tests.scenes import claim, finish


def test_no_more_run_at_once_than_the_limit(store: Store) -> None:
    JobFactory.create_batch(5)
    operations.limit_queue("default", max_running=2)
    taken = claim(10)
    assert len(taken) == 2
    assert claim(10) == []
    finish(taken[0], Outcome.complete(None))
    assert len(claim(10)) == 1
    assert claim(10) == []


def test_only_so_many_start_in_a_minute(store: Store) -> None:
    JobFactory.create_batch(9)
    operations.limit_queue("default", rate_limit=3)
    for job in (*claim(2), *claim(10)):
        finish(job, Outcome.complete(None))
    assert claim(10) == [], "three have started in this minute, and ended"
    Queue.objects.update(window_start=ago(minutes=1))
    assert len(claim(10)) == 3, "another minute"


def test_both_limits_hold_together(store: Store) -> None:
    JobFactory.create_batch(9)
    operations.limit_queue("default", rate_limit=3, max_running=2)
    for job in claim(10):
        finish(job, Outcome.complete(None))
    assert len(claim(10)) == 1


def test_a_limit_that_is_lifted_limits_no_more(store: Store) -> None:
    JobFactory.create_batch(9)
    operations.limit_queue("default", max_running=1)
    assert len(claim(10)) == 1
    operations.limit_queue("default", max_running=None)
    assert len(claim(10)) == 8


def test_the_order_and_other_queues_stay_as_they_are(store: Store) -> None:
    late, first = JobFactory(priority=5), JobFactory(priority=-5)
    other = JobFactory.create_batch(3, queue="reports")
    operations.limit_queue("default", max_running=1)
    taken = claim(limits={"default": 5, "reports": 5})
    assert {job.id for job in taken} == {first.id, *(job.id for job in other)}
    assert late.id not in {job.id for job in taken}


def test_a_limited_queue_can_be_paused(store: Store) -> None:
    JobFactory()
    operations.limit_queue("default", max_running=1)
    operations.pause_queue("default")
    assert claim() == []
    operations.resume_queue("default")
    assert len(claim()) == 1


def test_unlimited_queues_cost_no_statement_more(store: Store) -> None:
    JobFactory.create_batch(3)
    with CaptureQueriesContext(connection) as captured:
        claim(3)
    assert not any("rate_limit" in q["sql"] and "job" not in q["sql"] for q in captured)


def test_a_change_of_limits_is_audited_with_before_and_after(store: Store) -> None:
    assert operations.limit_queue("default", max_running=5, by="ann", reason="the API is slow")
    assert not operations.limit_queue("default", max_running=5, by="ann")
    assert operations.limit_queue("default", rate_limit=60, by="ann")
    first, second = JobAudit.objects.filter(action=AuditAction.LIMIT).order_by("pk")
    assert (first.actor, first.target, first.reason) == ("ann", "default", "the API is slow")
    assert first.details == {"max_running": {"before": None, "after": 5}}
    assert second.details == {"rate_limit": {"before": None, "after": 60}}
    row = Queue.objects.get()
    assert (row.max_running, row.rate_limit) == (5, 60)


@pytest.mark.parametrize("value", [0, -1, 1_000_001, 1.5, "5", True])
def test_a_bad_limit_changes_nothing(store: Store, value: object) -> None:
    for option in ("max_running", "rate_limit"):
        with pytest.raises(InvalidOption, match=f"{option}: a whole number from 1 to 1000000"):
            operations.limit_queue("default", **{option: value})  # type: ignore[arg-type]
    assert not Queue.objects.exists()
    assert not JobAudit.objects.exists()


def resume_service() -> int:
    (service,) = [one for one in all_services() if one.name == "resume"]
    return service.run()


def test_a_pause_ends_when_its_time_has_come(store: Store) -> None:
    JobFactory()
    operations.pause_queue("default", until=3600, by="ann")
    assert resume_service() == 0
    Queue.objects.update(paused_until=ago(seconds=1))
    assert claim() == [], "only the service resumes"
    assert resume_service() == 1
    assert resume_service() == 0
    assert len(claim()) == 1
    row = Queue.objects.get()
    assert (row.is_paused, row.paused_until, row.paused_by) == (False, None, "")
    entry = JobAudit.objects.get(action=AuditAction.RESUME)
    assert (entry.source, entry.target) == (AuditSource.WORKER, "default")


def test_a_pause_without_an_end_is_never_resumed_by_the_service(store: Store) -> None:
    operations.pause_queue("default")
    assert resume_service() == 0
    assert Queue.objects.get().is_paused


def test_a_pause_can_be_made_longer_but_not_by_accident(store: Store) -> None:
    assert operations.pause_queue("default", until=60, reason="first", by="ann")
    assert not operations.pause_queue("default", reason="second", by="bob")
    row = Queue.objects.get()
    assert (row.pause_reason, row.paused_by) == ("first", "ann")
    end = timezone.now() + timedelta(hours=3)
    assert operations.pause_queue("default", until=end, reason="third", by="cid")
    row.refresh_from_db()
    assert (row.pause_reason, row.paused_until) == ("third", end)
    entries = JobAudit.objects.filter(action=AuditAction.PAUSE).order_by("pk")
    assert [entry.details for entry in entries] == [
        {"until": "in 60 s"},
        {"until": end.isoformat()},
    ]


@pytest.mark.parametrize(
    "until",
    [
        0,
        -1,
        float("nan"),
        float("inf"),
        True,
        "tomorrow",
        ago(seconds=1),
        timezone.now().replace(tzinfo=None),
    ],
)
def test_a_pause_ends_in_the_future_or_is_refused(store: Store, until: object) -> None:
    with pytest.raises(InvalidOption, match="until: "):
        operations.pause_queue("default", until=until)  # type: ignore[arg-type]
    assert not Queue.objects.exists()
