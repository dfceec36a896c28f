"""Cron: due slots, missed ones, overlapping runs, and entries that can't run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from django_jobs.chains import enqueue_chain
from django_jobs.crontab import Crontab
from django_jobs.exceptions import EnqueueUnavailable
from django_jobs.models import CronJob, CronSlot, Job
from django_jobs.services.cron import fire_due_crons
from tests.factories import CronJobFactory, ago, ahead
from tests.scenes import database_now, rolled_back, seconds_until, work

pytestmark = pytest.mark.django_db

#: Fires so seldom that no slot comes while a test runs.
YEARLY = "0 0 1 1 *"
DAILY = "0 0 * * *"


def last_days(number: int) -> list[datetime]:
    """The latest slots of a daily schedule, oldest first."""
    now = database_now()
    return Crontab.parse(DAILY).latest_between(now - timedelta(days=400), now, number)


def slots(cron: CronJob, outcome: str = "fired") -> list[datetime]:
    found = cron.slots.filter(outcome=outcome).order_by("slot_at")
    return list(found.values_list("slot_at", flat=True))


def fresh(cron: CronJob) -> CronJob:
    return CronJob.objects.get(pk=cron.pk)


def due_now(**columns: Any) -> CronJob:
    """A schedule whose slot came five seconds ago."""
    return CronJobFactory(cron_expression=YEARLY, next_run_at=ago(seconds=5), **columns)


# Firing


def test_a_due_slot_fires_once() -> None:
    cron = due_now(params={})
    assert [fire_due_crons(), fire_due_crons()] == [1, 0]
    job = Job.objects.get()
    assert (job.job_name, job.queue, job.priority) == ("tests.do_nothing", "default", 0)
    assert (job.status, job.tags) == ("pending", ["cron"])
    row = fresh(cron)
    assert row.last_job == job
    assert row.last_run_at is not None
    assert -30 < seconds_until(row.last_run_at) <= 0
    assert row.next_run_at == Crontab.parse(YEARLY).next_after(database_now())
    slot = cron.slots.get()
    assert (slot.slot_at, slot.outcome, slot.job_id) == (cron.next_run_at, "fired", job.pk)


def test_the_entry_may_name_queue_priority_and_arguments() -> None:
    CronJobFactory(job_name="tests.add", params={"a": 1, "b": 2}, queue="reports", priority=-3)
    fire_due_crons()
    job = Job.objects.get()
    assert (job.queue, job.priority, job.params) == ("reports", -3, {"a": 1, "b": 2})
    work("reports")
    job.refresh_from_db()
    assert job.result == 3


def test_without_them_the_job_decides() -> None:
    CronJobFactory(job_name="tests.report", params={"region": "CA"})
    fire_due_crons()
    job = Job.objects.get()
    assert (job.queue, job.priority, job.max_attempts, job.timeout) == ("reports", 5, 5, 60)


@pytest.mark.parametrize(
    "columns", [{"next_run_at": ahead(days=1)}, {"enabled": False}], ids=["future", "off"]
)
def test_what_is_not_due_does_not_fire(columns: dict[str, Any]) -> None:
    cron = CronJobFactory(**columns)
    assert fire_due_crons() == 0
    assert not Job.objects.exists()
    assert fresh(cron).next_run_at == cron.next_run_at


def test_a_new_entry_is_planned_first() -> None:
    cron = CronJobFactory(cron_expression=YEARLY, next_run_at=None, timezone="Pacific/Apia")
    assert fire_due_crons() == 0
    planned = Crontab.parse(YEARLY, "Pacific/Apia").next_after(database_now())
    assert fresh(cron).next_run_at == planned


def test_an_unknown_job_waits_for_a_worker_that_knows_it() -> None:
    cron = due_now(job_name="of.another.version")
    planned = CronJobFactory(job_name="of.another.version", next_run_at=None)
    assert fire_due_crons() == 0
    assert fresh(cron).next_run_at == cron.next_run_at
    assert fresh(cron).enabled
    assert fresh(planned).next_run_at is None


def test_a_slot_that_was_taken_does_not_fire_again() -> None:
    """However the row was changed: the ledger knows."""
    cron = due_now()
    fire_due_crons()
    CronJob.objects.filter(pk=cron.pk).update(next_run_at=cron.next_run_at)
    assert fire_due_crons() == 0
    assert Job.objects.count() == 1


def test_slot_and_job_are_one_transaction() -> None:
    cron = due_now()
    with rolled_back():
        assert fire_due_crons() == 1
    assert not Job.objects.exists()
    assert not CronSlot.objects.exists()
    assert fresh(cron).next_run_at == cron.next_run_at
    assert fire_due_crons() == 1


# Missed slots


@pytest.mark.parametrize(
    ("policy", "maximum", "fired"),
    [("skip", 10, 0), ("latest", 10, 1), ("all", 10, 5), ("all", 3, 3), ("all", 1, 1)],
)
def test_missed_slots(policy: str, maximum: int, fired: int) -> None:
    """Nobody was there for five days; the latest slot is more than a minute old."""
    missed = last_days(6)[:-1] if seconds_until(last_days(1)[0]) > -60 else last_days(5)
    cron = CronJobFactory(
        cron_expression=DAILY, next_run_at=missed[0], missed_policy=policy, missed_max=maximum
    )
    assert fire_due_crons() == fired
    assert slots(cron) == missed[len(missed) - fired :]
    assert slots(cron, "skipped") == missed[: len(missed) - fired]
    assert set(cron.slots.filter(outcome="skipped").values_list("reason", flat=True)) <= {"missed"}
    assert Job.objects.count() == fired
    assert seconds_until(fresh(cron).next_run_at) > 0


@pytest.mark.parametrize("policy", ["skip", "latest", "all"])
def test_a_slot_that_is_a_little_late_is_not_missed(policy: str) -> None:
    due_now(missed_policy=policy)
    assert fire_due_crons() == 1


@pytest.mark.parametrize("policy", ["skip", "latest", "all"])
def test_d86_a_long_absence_never_makes_thousands_of_jobs(policy: str) -> None:
    cron = CronJobFactory(
        cron_expression="* * * * *", next_run_at=ago(days=400), missed_policy=policy, missed_max=7
    )
    assert fire_due_crons() <= 7
    assert Job.objects.count() <= 7
    assert cron.slots.count() <= 110
    assert fire_due_crons() <= 1


# Overlapping runs


def fire_twice() -> list[int]:
    first = fire_due_crons()
    CronJob.objects.update(next_run_at=ago(seconds=3))
    return [first, fire_due_crons()]


def test_overlap_queue() -> None:
    due_now(overlap_policy="queue")
    assert fire_twice() == [1, 1]


def test_overlap_skip() -> None:
    cron = due_now(overlap_policy="skip")
    assert fire_twice() == [1, 0]
    skipped = cron.slots.get(outcome="skipped")
    assert (skipped.job_id, skipped.reason) == (None, "the previous run has not ended")
    work()
    CronJob.objects.update(next_run_at=ago(seconds=1))
    assert fire_due_crons() == 1


def test_overlap_skip_among_missed_slots() -> None:
    cron = CronJobFactory(
        cron_expression=DAILY,
        next_run_at=last_days(4)[0],
        missed_policy="all",
        overlap_policy="skip",
    )
    assert fire_due_crons() == 1
    assert Job.objects.count() == 1
    assert len(slots(cron, "skipped")) == 3


def test_overlap_skip_when_the_last_job_is_gone() -> None:
    due_now(overlap_policy="skip")
    fire_due_crons()
    Job.objects.all().delete()
    CronJob.objects.update(next_run_at=ago(seconds=3))
    assert fire_due_crons() == 1


# Entries that can't run


@pytest.mark.parametrize("planned", [True, False])
@pytest.mark.parametrize(
    "bad",
    [
        {"cron_expression": "nonsense"},
        {"cron_expression": ""},
        {"cron_expression": "0 0 30 2 *"},
        {"timezone": "Mars/X"},
        {"timezone": ""},
        {"timezone": "../../etc/passwd"},
    ],
)
def test_a_bad_entry_is_switched_off_and_the_others_go_on(
    bad: dict[str, Any], planned: bool
) -> None:
    broken = CronJobFactory(name="a", next_run_at=ago(seconds=5) if planned else None, **bad)
    due_now(name="b")
    assert fire_due_crons() == 1
    assert not fresh(broken).enabled
    assert Job.objects.count() == 1
    assert not broken.slots.exists()


def test_a_bad_queue_is_found_when_it_fires() -> None:
    broken = due_now(name="a", queue="../x")
    due_now(name="b")
    assert fire_due_crons() == 1
    assert (fresh(broken).enabled, broken.slots.count()) == (False, 0)


@pytest.fixture
def unavailable() -> Iterator[Callable[..., Any]]:
    """A database that takes no jobs."""

    def refuse(call_next: Any, new: Any) -> Any:
        raise EnqueueUnavailable("no room")

    enqueue_chain.append(refuse)
    yield refuse
    if refuse in enqueue_chain:
        enqueue_chain.remove(refuse)


def test_a_database_in_trouble_switches_nothing_off(unavailable: Callable[..., Any]) -> None:
    cron = due_now()
    assert fire_due_crons() == 0
    assert (fresh(cron).enabled, fresh(cron).next_run_at) == (True, cron.next_run_at)
    assert not CronSlot.objects.exists()
    enqueue_chain.remove(unavailable)
    assert fire_due_crons() == 1
