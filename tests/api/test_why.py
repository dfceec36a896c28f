"""``why_not_running(job)`` says what the claim does, and why."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import override

from django_jobs import operations
from django_jobs.chains import claim_chain
from django_jobs.diagnosis import Code, is_claimable, waiting, why_not_running
from django_jobs.ids import uuid7
from django_jobs.models import DesiredState, Job, JobQuerySet, Queue, Worker, WorkerState
from django_jobs.outcome import Outcome
from django_jobs.states import Status
from django_jobs.stores import active_store
from tests import jobs
from tests.factories import (
    JobFactory,
    QueueFactory,
    WorkerFactory,
    WorkerProcessFactory,
    ago,
    ahead,
)
from tests.scenes import Configure, claim, claim_one, finish, fresh, let_lease_expire, status

pytestmark = pytest.mark.django_db

STORES = [None, "django_jobs.stores.database.DatabaseStore"]


def codes(job: Job) -> list[Code]:
    return [reason.code for reason in why_not_running(job)]


def text(job: Job) -> str:
    return " ".join(reason.text for reason in why_not_running(job))


def at_work(queue: str = "default", slots: int = 2, **columns: Any) -> Any:
    """A live process of a worker."""
    worker = WorkerFactory(queues={queue: slots}, state=WorkerState.RUNNING, **columns)
    return WorkerProcessFactory(worker=worker)


@contextmanager
def claim_filter(kept: Any) -> Iterator[None]:
    claim_chain.append(kept)
    try:
        yield
    finally:
        claim_chain.remove(kept)


# What it says is what the store does


def random_job(chance: random.Random, queue: str) -> Job:
    """A job that waits in a queue of its own, in some situation."""
    if chance.random() < 0.4:
        QueueFactory(name=queue, paused_at=chance.choice([None, ago(minutes=1)]))
    job: Job = JobFactory(
        queue=queue,
        job_name=chance.choice(["tests.add", "tests.add", "tests.echo", "long.gone"]),
        status=chance.choice([*[Status.PENDING] * 5, *Status]),
        priority=chance.choice([-5, 0, 5]),
        expires_at=chance.choice([None, None, ago(seconds=5), ahead(minutes=5)]),
        scheduled_for=chance.choice([ago(minutes=1), timezone.now(), ahead(minutes=1)]),
    )
    return job


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("filters", [False, True])
@pytest.mark.parametrize("number", range(2))
def test_claimable_is_what_the_store_claims(
    any_status: None, configure: Configure, store: str | None, filters: bool, number: int
) -> None:
    configure(STORE=store)
    chance = random.Random(f"{number}")
    found = [random_job(chance, f"queue-{place}") for place in range(60)]

    def only_some(queryset: JobQuerySet) -> JobQuerySet:
        return queryset.exclude(job_name="tests.echo") if filters else queryset

    with claim_filter(only_some):
        said = {job.pk for job in found if is_claimable(why_not_running(job))}
        taken = {one.id for one in claim(limits={job.queue: 1 for job in found})}
    assert said == taken
    assert taken, "the scene is too gloomy to show anything"
    assert len(taken) < len(found)


def test_the_place_in_line_is_the_order_of_the_claim() -> None:
    at_work(slots=100)
    chance = random.Random(7)
    found = [
        JobFactory(priority=chance.choice([-1, 0, 1]), scheduled_for=ago(minutes=place % 3))
        for place in range(12)
    ]
    places = {}
    for job in found:
        (reason,) = why_not_running(job)
        assert reason.code in (Code.IN_LINE, Code.SOON, Code.OVERDUE)
        number = reason.text.split()[0] if reason.code == Code.IN_LINE else "0"
        places[job.pk] = int(number)
    in_turn = [claim_one().id for _ in found]
    assert sorted(places, key=lambda job_id: places[job_id]) == in_turn
    assert sorted(places.values()) == list(range(12))


def test_a_long_line_is_not_counted_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LINE_MAX", 3)
    at_work()
    *_, fourth, fifth = JobFactory.create_batch(5)
    assert "3 jobs are before it" in text(fourth)
    assert "More than 3 jobs" in text(fifth)


def test_the_length_of_a_line_is_grouped_as_the_reader_does() -> None:
    at_work()
    Job.objects.bulk_create(JobFactory.build_batch(waiting.LINE_MAX + 1))
    with override("de"):
        assert "1.000 Aufträge" in text(JobFactory())


def test_jobs_that_nobody_knows_hold_up_nobody() -> None:
    at_work()
    JobFactory.create_batch(3, job_name="long.gone")
    assert codes(JobFactory()) == [Code.SOON]


# Waiting


def test_a_free_worker_takes_it_soon() -> None:
    at_work()
    assert codes(jobs.add.later(1)) == [Code.SOON]
    assert "within 3 s" in text(JobFactory(queue="default", priority=-1))


def test_what_should_have_started_long_ago_is_pointed_out() -> None:
    at_work()
    job = JobFactory(scheduled_for=ago(minutes=10))
    (reason,) = why_not_running(job)
    assert (reason.code, reason.is_trouble) == (Code.OVERDUE, True)
    assert "10 minutes" in reason.text


def test_a_paused_queue_says_who_when_and_why() -> None:
    at_work("reports")
    job = JobFactory(queue="reports")
    operations.pause_queue("reports", by="ada", reason="the printer burns")
    (reason,) = why_not_running(job)
    assert (reason.code, reason.about) == (Code.PAUSED, ("queue", "reports"))
    for words in ("“reports”", "ada", "the printer burns", str(timezone.now().year)):
        assert words in reason.text
    operations.resume_queue("reports")
    assert Code.PAUSED not in codes(job)


def test_nobody_works() -> None:
    WorkerProcessFactory(
        worker=WorkerFactory(queues={"default": 1}), last_heartbeat_at=ago(minutes=5)
    )
    (reason,) = why_not_running(JobFactory())
    assert reason.code == Code.NO_WORKER
    assert "runjobs --queues default" in reason.text


def test_nobody_serves_its_queue() -> None:
    at_work("mail")
    (reason,) = why_not_running(JobFactory(queue="reports"))
    assert reason.code == Code.NOT_SERVED
    assert "they serve: mail" in reason.text


@pytest.mark.parametrize("told", [DesiredState.DRAIN, DesiredState.STOP])
def test_those_who_serve_it_take_nothing_new(told: DesiredState) -> None:
    at_work(name="web-1", desired_state=told)
    (reason,) = why_not_running(JobFactory())
    assert reason.code == Code.TOLD_TO_STOP
    assert "web-1" in reason.text


def test_all_hands_are_full(any_status: None) -> None:
    process = at_work(slots=2)
    JobFactory.create_batch(2, status=Status.RUNNING, worker_process=process.pk)
    JobFactory(status=Status.RUNNING, worker_process=process.pk, queue="other")
    assert codes(JobFactory()) == [Code.SLOTS_TAKEN]
    at_work(slots=1)
    assert codes(Job.objects.pending().get()) == [Code.SOON]


def test_the_limits_of_its_queue_are_reached(any_status: None) -> None:
    at_work(slots=5)
    operations.limit_queue("default", max_running=1, rate_limit=2)
    JobFactory.create_batch(2)
    assert len(claim(5)) == 1
    waiting_job = Job.objects.pending().get()
    assert codes(waiting_job) == [Code.MOST_AT_ONCE]
    operations.limit_queue("default", max_running=None, rate_limit=1)
    assert codes(waiting_job) in ([Code.MOST_PER_MINUTE], [Code.SOON])  # a minute may have begun
    operations.limit_queue("default", rate_limit=None)
    assert codes(waiting_job) == [Code.SOON]
    Queue.objects.all().delete()
    active_store().limited.forget()  # type: ignore[attr-defined]  # as after a second
    assert len(claim(5)) == 1, "a queue that had a limit once is served"


def test_an_unknown_job_waits_for_another_release() -> None:
    at_work()
    (reason,) = why_not_running(JobFactory(job_name="long.gone"))
    assert (reason.code, reason.is_trouble) == (Code.UNKNOWN_JOB, True)


def test_a_job_that_no_live_release_knows() -> None:
    at_work(name="web1", release="v41", job_names=["tests.echo"])
    job = JobFactory(job_name="tests.add")
    (reason,) = why_not_running(job)
    assert (reason.code, reason.is_trouble) == (Code.UNKNOWN_JOB, True)
    assert "web1 (v41)" in reason.text
    at_work(name="web2", job_names=["tests.add"], slots=1)
    assert codes(job) == [Code.SOON]
    Worker.objects.filter(name="web2").update(desired_state=DesiredState.DRAIN)
    assert codes(job) == [Code.TOLD_TO_STOP]
    assert "web2" in text(job)
    assert "web1" not in text(job)


def test_a_job_that_only_another_release_knows() -> None:
    at_work(job_names=["new.one"])
    assert codes(JobFactory(job_name="new.one")) == [Code.SOON]


def test_what_came_too_late() -> None:
    at_work()
    assert codes(JobFactory(expires_at=ago(seconds=1))) == [Code.TOO_LATE]


def test_all_hindrances_are_named_the_heaviest_first() -> None:
    QueueFactory(name="q", paused_at=ago())
    job = JobFactory(queue="q", job_name="long.gone", expires_at=ago(seconds=1))
    assert codes(job) == [Code.TOO_LATE, Code.PAUSED, Code.UNKNOWN_JOB, Code.NO_WORKER]


# Delayed


def test_its_time_has_not_come(any_status: None) -> None:
    at_work()
    assert codes(jobs.add.using(delay=600).later(1)) == [Code.SCHEDULED]
    retrying = JobFactory(status=Status.RETRYING, attempt_count=2, scheduled_for=ahead(minutes=10))
    (reason,) = why_not_running(retrying)
    assert reason.code == Code.RETRY_LATER
    assert reason.text.startswith("Attempt 2 failed")
    assert "10 minutes" in reason.text


def test_what_will_hold_it_up_later_is_said_now() -> None:
    job = jobs.add.using(delay=600, queue="reports").later(1)
    operations.pause_queue("reports")
    assert codes(job) == [Code.SCHEDULED, Code.PAUSED, Code.NO_WORKER]


@pytest.mark.parametrize(
    ("seconds", "works", "said", "is_trouble"),
    [
        (1, True, "just become due", False),
        (600, True, "--no-services", True),
        (600, False, "no worker is alive", True),
    ],
)
def test_due_and_nobody_noticed(
    any_status: None, seconds: int, works: bool, said: str, is_trouble: bool
) -> None:
    if works:
        at_work()
    job = JobFactory(status=Status.SCHEDULED, scheduled_for=ago(seconds=seconds))
    reason = why_not_running(job)[0]
    assert (reason.code, reason.is_trouble) == (Code.NOT_PROMOTED, is_trouble)
    assert said in reason.text


# Running


def test_running_is_no_riddle() -> None:
    process = at_work()
    jobs.add.later(1)
    job = claim_one(process=process.pk)
    assert codes(fresh(job)) == [Code.RUNNING]


def test_asked_to_stop() -> None:
    process = at_work()
    jobs.add.later(1)
    job = claim_one(process=process.pk)
    operations.cancel(job.id)
    assert codes(fresh(job)) == [Code.CANCEL_REQUESTED]


def test_a_silent_worker_may_come_back_until_the_lease_runs_out() -> None:
    process = at_work(name="web-1")
    jobs.add.later(1)
    job = claim_one(process=process.pk)
    type(process).objects.update(last_heartbeat_at=ago(minutes=2))
    (reason,) = why_not_running(fresh(job))
    assert (reason.code, reason.about) == (Code.SILENT_WORKER, ("worker", "web-1"))
    assert "2 minutes" in reason.text
    let_lease_expire(job)
    assert codes(fresh(job)) == [Code.LEASE_EXPIRED]


def test_a_process_that_is_no_worker(any_status: None) -> None:
    job = JobFactory(status=Status.RUNNING, worker_process=uuid7())
    (reason,) = why_not_running(job)
    assert reason.code == Code.SILENT_WORKER
    assert not reason.is_trouble
    # now() has no process at all, and is nobody's business.
    assert codes(JobFactory(status=Status.RUNNING, worker_process=None)) == [Code.RUNNING]


# Ended


def test_how_it_ended(any_status: None) -> None:
    def said(**columns: Any) -> str:
        return text(JobFactory(**columns))

    assert "well" in said(status=Status.COMPLETED)
    assert "3 of 3 times" in said(status=Status.FAILED, failure_count=3)
    assert "died 3 times" in said(status=Status.FAILED, crash_count=3)
    assert "no retry would mend" in said(status=Status.FAILED, failure_count=1)
    assert "not started" in said(status=Status.EXPIRED, expires_at=ago())
    assert "buffer" in said(status=Status.PENDING_RECOVERY)
    assert "buffer" in said(status=Status.ENQUEUED)
    assert "“frozen”" in said(status="frozen")


def test_who_ended_it() -> None:
    job = jobs.add.later(1)
    operations.cancel(job, by="ada", reason="not today")
    assert "ada" in text(job)
    assert "not today" in text(job)


def test_what_a_job_said_at_its_end_stays_with_its_errors() -> None:
    job = jobs.add.later(1)
    finish(claim_one(), Outcome.discard("card 4111 is refused"))
    assert status(job) == Status.DISCARDED
    assert "4111" not in text(job)


# Its cost


def test_three_queries_at_most(any_status: None) -> None:
    at_work()
    QueueFactory(name="default")
    JobFactory.create_batch(5)
    for number, one in enumerate(Status):
        job = JobFactory(status=one, worker_process=uuid7(), expires_at=ahead(hours=number + 1))
        with CaptureQueriesContext(connection) as captured:
            why_not_running(job)
        assert len(captured) <= 3, one
        with CaptureQueriesContext(connection) as captured:
            why_not_running(Job.objects.observed().get(pk=job.pk))
        assert len(captured) <= 3, one


def test_a_deleted_job_has_no_reasons() -> None:
    job = JobFactory()
    Job.objects.all().delete()
    with pytest.raises(Job.DoesNotExist):
        why_not_running(job)


def test_it_changes_nothing() -> None:
    job = JobFactory()
    before = list(Job.objects.values())
    why_not_running(job)
    assert list(Job.objects.values()) == before
    assert not Queue.objects.exists()
