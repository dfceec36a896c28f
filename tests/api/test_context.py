"""``JobContext``: what a running job may ask and tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections

from django_jobs.execution import attempt, attempt_async
from django_jobs.models import Job
from django_jobs.registry import registry
from django_jobs.reporting import Reporter
from tests import jobs
from tests.api.conftest import Received
from tests.scenes import Configure, claim_one, fresh, path, work, worked

pytestmark = pytest.mark.django_db


def test_who_it_is() -> None:
    job = worked(jobs.describe_context.using(correlation_id="c").later())
    assert job.result == {
        "job_id": str(job.pk),
        "job_name": "tests.describe_context",
        "attempt": 1,
        "correlation_id": "c",
        "cancelled": False,
        "vendor": connection.vendor,
    }


def test_it_may_be_known_by_its_name_alone() -> None:
    assert worked(jobs.take_context_by_name.later("word")).result == "word at attempt 1"


def test_the_attempt_is_counted() -> None:
    job = jobs.fail_twice.later()
    for _ in range(3):
        work()
        Job.objects.filter(status="retrying").update(status="pending")
    assert (fresh(job).result, fresh(job).status) == (3, "completed")


# Correlation


@pytest.mark.parametrize("parent", [jobs.enqueue_child, jobs.enqueue_child_async])
def test_children_inherit_the_correlation(parent: Any) -> None:
    job = worked(parent.using(correlation_id="c").later())
    assert fresh(UUID(job.result)).correlation_id == "c"


@pytest.mark.parametrize("parent", [jobs.enqueue_child, jobs.enqueue_child_async])
def test_without_one_they_carry_the_parents_id(parent: Any) -> None:
    job = worked(parent.later())
    assert fresh(UUID(job.result)).correlation_id == str(job.pk)
    assert jobs.add.later(1).correlation_id == ""


def test_children_of_now_do_as_well() -> None:
    result = jobs.enqueue_child.now()
    assert result.data is not None
    assert fresh(UUID(result.data)).correlation_id == str(result.metadata.job_id)


# Progress


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (0, 0),
        (50, 50),
        (49.6, 50),
        (100, 100),
        (-5, 0),
        (1000, 100),
        (float("nan"), 0),
        (float("inf"), 100),
        ("lots", 0),
        ("40", 40),
        (None, 0),
    ],
    ids=lambda value: str(value)[:12],
)
def test_d38_progress_is_clamped(told: Any, kept: int) -> None:
    jobs.fail_with_progress.later()
    claimed = claim_one()
    reporter = Reporter(claimed)
    reporter.progress(told, None)
    report = reporter.take()
    assert report is not None
    assert report.percent == kept


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("half", "half"),
        ("x" * 2_000_000, "x" * 499 + "…"),
        ("<b>&", "<b>&"),
        ("a\0b\ud800", "a\\x00b\\ud800"),
    ],
    ids=["plain", "long", "markup", "unstorable"],
)
def test_d38_messages_are_made_storable(message: str, kept: str) -> None:
    jobs.fail_with_progress.later()
    claimed = claim_one()
    reporter = Reporter(claimed)
    reporter.progress(10, message)
    report = reporter.last()
    assert report is not None
    from django_jobs.stores import active_store

    active_store().report([report])
    assert fresh(claimed).progress_message == kept


def test_the_last_progress_lands_and_the_message_stays() -> None:
    job = worked(jobs.fail_with_progress.later())
    assert (job.status, job.progress, job.progress_message) == ("failed", 30, "begun")


def test_a_completed_job_is_at_100() -> None:
    assert worked(jobs.tell_progress.later([10, 20], "begun")).progress == 100


def test_only_news_are_reported() -> None:
    jobs.do_nothing.later()
    reporter = Reporter(claim_one())
    assert reporter.take() is reporter.last() is None
    reporter.progress(10, "a")
    report = reporter.take()
    assert report is not None
    assert reporter.take() is None
    reporter.put_back(report)
    again = reporter.take()
    assert again is not None
    assert (again.percent, again.message) == (10, "a")


def test_what_could_not_be_written_is_kept_in_order() -> None:
    jobs.do_nothing.later()
    reporter = Reporter(claim_one())
    reporter.line("info", "one", {})
    report = reporter.take()
    assert report is not None
    reporter.line("info", "two", {})
    reporter.put_back(report)
    last = reporter.last()
    assert last is not None
    assert [line.message for line in last.lines] == ["one", "two"]


# Log lines


@pytest.mark.parametrize("how", ["worker", "now"])
def test_lines_are_kept_with_the_attempt(how: str) -> None:
    if how == "worker":
        job = worked(jobs.write_lines.later(2))
    else:
        job = fresh(jobs.write_lines.now(2).metadata.job_id)  # type: ignore[arg-type]
    lines = job.log_lines.order_by("id")
    assert [(line.level, line.message, line.data, line.attempt) for line in lines] == [
        ("info", "line 0", {"number": 0}, 1),
        ("info", "line 1", {"number": 1}, 1),
        ("warning", "odd", {"value": "nan"}, 1),
        ("error", "bad \\x00 \\ud800", {}, 1),
    ]


def test_a_failed_attempt_keeps_its_lines() -> None:
    job = worked(jobs.write_lines.later(1, fail=True))
    assert job.status == "retrying"
    assert job.log_lines.count() == 3


def test_lines_are_limited(configure: Configure) -> None:
    configure(LOG_MAX_LINES=5)
    assert worked(jobs.write_lines.later(50)).log_lines.count() == 5


# Visible from outside, while the job runs


@pytest.mark.django_db(transaction=True)
def test_others_see_the_progress_of_now(configure: Configure) -> None:
    configure(PROGRESS_INTERVAL=0)
    result = jobs.read_own_progress.now(40)
    assert result.data == 40


@pytest.mark.django_db(transaction=True)
def test_a_rollback_in_the_job_loses_no_progress(configure: Configure) -> None:
    configure(PROGRESS_INTERVAL=0)
    result = jobs.progress_in_a_transaction.now()
    assert result.success
    job = fresh(result.metadata.job_id)  # type: ignore[arg-type]
    assert job.progress_message == "kept"
    assert [line.message for line in job.log_lines.all()] == ["kept"]


@pytest.mark.django_db(transaction=True)
def test_progress_from_an_event_loop(configure: Configure, received: Received) -> None:
    configure(PROGRESS_INTERVAL=0)
    assert jobs.tell_progress_async.now([10, 20, 30]).data is False
    assert received.names.count("job_progressed") >= 1
    assert async_to_sync(jobs.tell_progress_async.anow)([10, 20, 30]).data is False


def test_progress_from_an_event_loop_in_a_transaction(configure: Configure) -> None:
    configure(PROGRESS_INTERVAL=0)
    assert jobs.tell_progress_async.now([10, 20, 30]).success


# Stopping


def test_a_request_to_stop_is_seen() -> None:
    jobs.stop_when_cancelled.later()
    claimed = claim_one()
    reporter = Reporter(claimed)
    reporter.request_cancel()
    outcome = attempt(registry.get(claimed.job_name), claimed, reporter).outcome
    assert (outcome.status, outcome.reason) == ("cancelled", "cancel requested")


def cancelled_while(act: Callable[[Reporter, asyncio.Task[Any]], None]) -> Any:
    """Run ``wait_for_ever``, act when it waits, and return its outcome."""
    jobs.wait_for_ever.later()
    claimed = claim_one()
    reporter = Reporter(claimed)

    async def run() -> Any:
        task = asyncio.create_task(attempt_async(jobs.wait_for_ever, claimed, reporter))
        await asyncio.sleep(0.05)
        act(reporter, task)
        # Shielded: a wait that gives up would cancel it, too.
        done = await asyncio.wait_for(asyncio.shield(task), 20)
        await asyncio.sleep(0)  # nothing of the cancellation is left
        return done.outcome

    return asyncio.run(run())


def test_an_async_job_is_cancelled_at_its_next_await() -> None:
    def from_another_thread(reporter: Reporter, _: Any) -> None:
        for _again in range(2):
            Thread(target=reporter.request_cancel).start()

    outcome = cancelled_while(from_another_thread)
    assert (outcome.status, outcome.reason, outcome.failed) == (
        "cancelled",
        "cancel requested",
        False,
    )


def test_a_cancellation_of_somebody_else_is_no_request() -> None:
    def cancel(_: Reporter, task: asyncio.Task[Any]) -> None:
        task.cancel()

    outcome = cancelled_while(cancel)
    assert (outcome.status, outcome.reason) == ("failed", "CancelledError")


def test_a_request_from_before_its_start_is_not_lost() -> None:
    jobs.wait_for_ever.later()
    claimed = claim_one()
    reporter = Reporter(claimed)
    reporter.request_cancel()
    done = async_to_sync(attempt_async)(jobs.wait_for_ever, claimed, reporter)
    assert done.outcome.status == "cancelled"


def test_a_request_after_its_end_does_nothing() -> None:
    jobs.add_async.later(1, 2)
    claimed = claim_one()
    reporter = Reporter(claimed)

    async def run() -> Any:
        done = await attempt_async(jobs.add_async, claimed, reporter)
        reporter.request_cancel()
        await asyncio.sleep(0.01)  # where it would strike
        return done.outcome.status

    assert asyncio.run(run()) == "completed"


@pytest.mark.django_db(transaction=True)
def test_now_sees_it_in_the_database() -> None:
    result = jobs.cancel_itself.now(obey=True)
    assert (result.metadata.status, result.error) == ("cancelled", "cancel requested")


def test_the_database_is_that_of_the_jobs() -> None:
    assert worked(jobs.describe_context.later()).result["vendor"] == connections["default"].vendor
    assert path(Job.objects.get())[-1] == "completed"
