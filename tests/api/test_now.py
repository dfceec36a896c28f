"""``now()``, ``anow()`` and ``execute_from_database()``: one attempt, in the caller's process."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.db import connection, transaction

from django_jobs.exceptions import InvalidArguments, InvalidOption, InvalidTransition, LeaseLost
from django_jobs.models import Job
from django_jobs.states import WAITING, Status
from tests import jobs
from tests.factories import JobFactory, ahead
from tests.scenes import (
    claim_one,
    fresh,
    let_expire,
    let_lease_expire,
    nothing_written,
    path,
    rolled_back,
    seconds_until,
    status,
    transitions,
)

PLACES = [
    pytest.param("autocommit", marks=pytest.mark.django_db(transaction=True)),
    pytest.param("atomic", marks=pytest.mark.django_db),
]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """Run the test outside of any transaction, and inside the caller's."""
    return str(request.param)


def test_a_success(place: str) -> None:
    result = jobs.add.using(correlation_id="c").now(1, b=2)
    assert (result.success, result.data, result.error) == (True, 3, None)
    told = result.metadata
    assert told.job_id is not None
    assert (told.job_name, told.status, told.attempt) == ("tests.add", "completed", 1)
    assert (told.correlation_id, told.persisted) == ("c", True)
    assert told.duration is not None
    assert 0 <= told.duration < 30
    row = fresh(told.job_id)
    assert (row.status, row.result, row.attempt_count) == ("completed", 3, 1)
    assert path(row) == ["pending", "running", "completed"]
    assert transitions(row.pk).last().actor.startswith("caller:")  # type: ignore[union-attr]


def test_a_failure_is_told_and_not_raised(place: str) -> None:
    result = jobs.fail.using(max_attempts=9).now(message="no luck")
    assert (result.success, result.data, result.error) == (False, None, "ValueError: no luck")
    assert isinstance(result.exception, ValueError)
    assert result.metadata.status == "failed"
    row = Job.objects.get()
    assert (row.status, row.max_attempts, row.failure_count) == ("failed", 1, 1)
    assert "as asked" not in row.error
    assert "ValueError: no luck" in row.error
    assert transitions(row.pk).last().error == row.error  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: jobs.discard.now("unwanted"), ("discarded", "unwanted")),
        (lambda: jobs.cancel.now("enough"), ("cancelled", "enough")),
        (lambda: jobs.retry_later.now(5), ("failed", "Retry")),
        (lambda: jobs.return_a_set.now(), ("failed", "ResultNotSerializable")),
        (lambda: jobs.fail.now("unprintable"), ("failed", "Unprintable")),
    ],
    ids=["discard", "cancel", "retry", "bad result", "unprintable"],
)
def test_other_ends(place: str, call: object, expected: tuple[str, str]) -> None:
    result = call()  # type: ignore[operator]
    assert not result.success
    assert result.metadata.status == status(result.metadata.job_id) == expected[0]
    assert result.error.startswith(expected[1])


def test_a_process_that_shall_exit_exits_after_it_was_recorded(place: str) -> None:
    with pytest.raises(SystemExit):
        jobs.fail.now("exit")
    assert Job.objects.get().status == "failed"


def test_unpersisted_writes_nothing(place: str) -> None:
    result = jobs.add.using(persist=False).now(1)
    assert (result.data, result.metadata.persisted, result.metadata.status) == (
        1,
        False,
        "completed",
    )
    failed = jobs.fail.using(persist=False).now(message="no luck")
    assert (failed.success, failed.error) == (False, "ValueError: no luck")
    assert nothing_written()


def test_no_worker_can_take_it(place: str) -> None:
    """The row is born and taken in one transaction, and carries a lease of its own."""
    result = jobs.describe_context.now()
    assert result.data is not None
    assert path(result.metadata.job_id) == ["pending", "running", "completed"]  # type: ignore[arg-type]


def test_the_job_runs_in_the_callers_transaction(place: str) -> None:
    assert jobs.is_in_transaction.now().data is (place == "atomic")


@pytest.mark.parametrize("options", [{"delay": 5}, {"scheduled_for": ahead(days=1)}])
@pytest.mark.django_db
def test_now_is_not_later(options: dict[str, object]) -> None:
    with pytest.raises(InvalidOption, match="later"):
        jobs.add.using(**options).now(1)
    assert nothing_written()


@pytest.mark.django_db
def test_bad_arguments_are_raised() -> None:
    with pytest.raises(InvalidArguments):
        jobs.add.now("one")  # type: ignore[arg-type]
    assert nothing_written()


# Inside the caller's transaction


@pytest.mark.django_db
def test_it_is_gone_with_the_callers_transaction() -> None:
    with rolled_back():
        assert jobs.create_group.now("new").success
    assert nothing_written()
    assert not Group.objects.exists()


@pytest.mark.django_db
def test_what_it_wrote_before_it_failed_is_undone() -> None:
    with transaction.atomic():
        Group.objects.create(name="before")
        result = jobs.break_the_transaction.now("twice")
        assert result.error is not None
        assert result.error.startswith("IntegrityError")
        Group.objects.create(name="after")
    assert set(Group.objects.values_list("name", flat=True)) == {"before", "after"}
    assert Job.objects.get().status == "failed"


@pytest.mark.django_db
def test_an_error_that_it_caught_itself_is_its_own_affair() -> None:
    result = jobs.survive_a_broken_transaction.now("name")
    assert result.data == "refused"
    assert Group.objects.count() == 1


@pytest.mark.parametrize("how", ["orm", "sql"])
@pytest.mark.django_db
def test_an_error_that_it_swallowed_is_a_failure(how: str) -> None:
    """The transaction can't go on as if nothing had happened."""
    with transaction.atomic():
        Group.objects.create(name="before")
        result = jobs.swallow_a_database_error.now("name", how)
        if how == "sql" and connection.vendor != "postgresql":
            assert result.success  # others undo the statement and go on
            return
        assert not result.success
        Group.objects.create(name="after")
    assert set(Group.objects.values_list("name", flat=True)) == {"before", "after"}
    assert Job.objects.get().status == "failed"


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_it_is_like_any_function() -> None:
    assert not jobs.break_the_transaction.now("twice").success
    assert Group.objects.count() == 1


# Lost leases


@pytest.mark.django_db
def test_a_result_that_comes_too_late_is_dropped() -> None:
    with pytest.raises(LeaseLost, match="lease="):
        jobs.lose_the_lease.now()
    assert Job.objects.get().status == "failed"
    assert transitions(Job.objects.get().pk).last().reason == "caller_lost"  # type: ignore[union-attr]


@pytest.mark.django_db
def test_the_lease_is_an_option() -> None:
    assert 400 < seconds_until(jobs.tell_lease.using(lease=500).now().data) <= 500


# Async


@pytest.mark.django_db
def test_async_jobs_and_async_callers() -> None:
    assert jobs.add_async.now(1, b=2).data == 3
    assert async_to_sync(jobs.add_async.anow)(1, b=2).data == 3
    assert async_to_sync(jobs.add.anow)(1, b=2).data == 3
    assert async_to_sync(jobs.fail_async.anow)("no luck").error == "ValueError: no luck"
    assert set(Job.objects.values_list("status", flat=True)) == {"completed", "failed"}


# From the database


@pytest.mark.parametrize("waiting", sorted(WAITING))
@pytest.mark.django_db
def test_a_waiting_job_is_run_here(any_status: None, waiting: Status) -> None:
    job = JobFactory(params={"a": 1, "b": 4}, status=waiting, scheduled_for=ahead(hours=1))
    result = jobs.add.execute_from_database(job.pk)
    assert (result.success, result.data, result.metadata.job_id) == (True, 5, job.pk)
    assert status(job) == "completed"


@pytest.mark.parametrize("other", sorted(set(Status) - WAITING))
@pytest.mark.django_db
def test_others_are_not(any_status: None, other: Status) -> None:
    job = JobFactory(status=other)
    with pytest.raises(InvalidTransition, match=other):
        jobs.add.execute_from_database(job.pk)
    assert status(job) == other


@pytest.mark.django_db
def test_it_keeps_its_own_retries() -> None:
    job = jobs.fail_twice.later()
    result = jobs.fail_twice.execute_from_database(job.pk)
    assert (result.success, result.metadata.status) == (False, "retrying")
    jobs.fail_twice.execute_from_database(job.pk)
    assert jobs.fail_twice.execute_from_database(job.pk).data == 3


@pytest.mark.django_db
def test_what_can_not_be_run_here() -> None:
    job, expired = jobs.add.later(1), jobs.add.later(2)
    let_expire(expired)
    with pytest.raises(InvalidTransition, match=r"tests\.add"):
        jobs.do_nothing.execute_from_database(job.pk)
    with pytest.raises(InvalidTransition, match="expired"):
        jobs.add.execute_from_database(expired.pk)
    with pytest.raises(Job.DoesNotExist):
        jobs.add.execute_from_database("00000000-0000-4000-8000-000000000000")  # type: ignore[arg-type]


@pytest.mark.django_db
def test_an_alias_is_the_same_job() -> None:
    job = JobFactory(job_name="tests.old_name", params={})
    assert jobs.renamed.execute_from_database(job.pk).data == "still found"


@pytest.mark.django_db
def test_a_running_job_is_not_run_twice() -> None:
    job = jobs.add.later(1)
    claimed = claim_one()
    let_lease_expire(claimed)
    with pytest.raises(InvalidTransition):
        jobs.add.execute_from_database(job.pk)
