"""The enqueue buffer: jobs that are kept elsewhere while their database is out of reach."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from django_jobs.exceptions import DuplicateJob, EnqueueUnavailable, InvalidTransition
from django_jobs.models import Job, JobTransition
from django_jobs.services.cleanup import clean_up
from django_jobs.services.recover import recover, recover_buffered
from django_jobs.states import Status
from django_jobs.stores import active_store, recovery
from tests import jobs
from tests.api.conftest import Received
from tests.routers import JobsElsewhere
from tests.scenes import Configure, rolled_back

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "buffer"])

Outage = Callable[[bool], None]


class Sides(NamedTuple):
    """Where the jobs belong, and where the buffer is."""

    home: str
    buffer: str


SIDES = [Sides("default", "buffer")]
if connections["default"].vendor != "sqlite":
    # So that a server, too, is tried as a buffer.
    SIDES.append(Sides("buffer", "default"))


@pytest.fixture(params=SIDES, ids=[f"jobs in {one.home}" for one in SIDES])
def sides(request: pytest.FixtureRequest, settings: Any, configure: Configure) -> Iterator[Sides]:
    found: Sides = request.param
    JobsElsewhere.alias = found.home
    settings.DATABASE_ROUTERS = ["tests.routers.JobsElsewhere"]
    configure(RECOVERY_DB_ALIAS=found.buffer)
    yield found
    JobsElsewhere.alias = "default"


@pytest.fixture
def outage(sides: Sides) -> Iterator[Outage]:
    """``outage(True)``: the jobs' database is out of reach from now on."""
    place = connections[sides.home].settings_dict
    right = dict(place)
    wrong = {"NAME": "/nowhere/jobs.sqlite3"}
    if connections[sides.home].vendor != "sqlite":
        wrong = {"HOST": "127.0.0.1", "PORT": str(closed_port())}

    def set_outage(away: bool) -> None:
        connections[sides.home].close()
        place.update(wrong if away else right)

    yield set_outage
    set_outage(False)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def buffered(sides: Sides) -> list[Job]:
    kept = Job.objects.using(sides.buffer).filter(status="pending_recovery")
    return list(kept.order_by("id"))


def moves(job: Job, alias: str) -> list[tuple[str, str, str]]:
    kept = JobTransition.objects.using(alias).filter(job_id=job.id).order_by("id")
    return list(kept.values_list("from_status", "to_status", "actor"))


# Producing


def test_without_a_buffer_an_outage_is_an_error(outage: Outage, configure: Configure) -> None:
    configure(RECOVERY_DB_ALIAS=None)
    outage(True)
    with pytest.raises(EnqueueUnavailable):
        jobs.add.later(1)


def test_a_job_is_kept_and_comes_back(outage: Outage, sides: Sides, received: Received) -> None:
    outage(True)
    job = jobs.add.using(tags=["a"], priority=7, timeout=9, max_attempts=5).later(1, b=2)
    assert (job.status, job._state.db) == ("pending_recovery", sides.buffer)
    assert job.created_at <= timezone.now()
    (kept,) = buffered(sides)
    assert (kept.pk, kept.params, kept.tags) == (job.pk, {"a": 1, "b": 2}, ["a"])
    assert moves(job, sides.buffer) == [("", "pending_recovery", "producer")]
    assert received.names == [], "it is not enqueued yet"


def test_later_many_is_all_or_none(outage: Outage, sides: Sides, configure: Configure) -> None:
    configure(RECOVERY_MAX_JOBS=3)
    outage(True)
    assert len(jobs.add.later_many([{"a": 1}, {"a": 2}])) == 2
    with pytest.raises(EnqueueUnavailable, match=r"full \(RECOVERY_MAX_JOBS is 3\)"):
        jobs.add.later_many([{"a": 3}, {"a": 4}])
    jobs.add.later(5)
    with pytest.raises(EnqueueUnavailable, match="full"):
        jobs.add.later(6)
    assert [job.params["a"] for job in buffered(sides)] == [1, 2, 5]


def test_it_belongs_to_the_callers_transaction_there(outage: Outage, sides: Sides) -> None:
    outage(True)
    with rolled_back(sides.buffer):
        jobs.add.later(1)
    assert buffered(sides) == []
    with transaction.atomic(using=sides.buffer):
        jobs.add.later(2)
    assert len(buffered(sides)) == 1


def test_a_full_buffer_leaves_the_transaction_usable(
    outage: Outage, sides: Sides, configure: Configure
) -> None:
    configure(RECOVERY_MAX_JOBS=1)
    outage(True)
    with transaction.atomic(using=sides.buffer):
        jobs.add.later(1)
        with pytest.raises(EnqueueUnavailable):
            jobs.add.later(2)
    assert len(buffered(sides)) == 1


def test_a_broken_transaction_there_is_an_error(outage: Outage, sides: Sides) -> None:
    outage(True)
    with transaction.atomic(using=sides.buffer):
        transaction.set_rollback(True, using=sides.buffer)
        with pytest.raises(EnqueueUnavailable, match="broken"):
            jobs.add.later(1)
    assert buffered(sides) == []


def test_a_broken_transaction_of_the_jobs_database_is_never_buffered(sides: Sides) -> None:
    with transaction.atomic(using=sides.home):
        transaction.set_rollback(True, using=sides.home)
        with pytest.raises(EnqueueUnavailable, match="broken"):
            jobs.add.later(1)
    assert buffered(sides) == []


def test_an_open_transaction_of_the_jobs_database_that_dies_is_never_buffered(
    sides: Sides,
) -> None:
    with pytest.raises((DatabaseError, EnqueueUnavailable)):
        _enqueue_in_a_dead_transaction(sides.home)
    assert buffered(sides) == []


def _enqueue_in_a_dead_transaction(alias: str) -> None:
    with transaction.atomic(using=alias):
        connections[alias].connection.close()
        jobs.add.later(1)


def test_what_is_refused_for_ever_is_never_buffered(sides: Sides) -> None:
    first = jobs.add.using(unique_key="k").later(1)
    with pytest.raises(DuplicateJob):
        jobs.add.using(unique_key="k", on_conflict="raise").later(1)
    assert Job.objects.get() == first
    assert buffered(sides) == []


def test_a_unique_key_holds_in_the_buffer_as_well(outage: Outage, sides: Sides) -> None:
    outage(True)
    first = jobs.add.using(unique_key="k").later(1)
    second = jobs.add.using(unique_key="k").later(1)
    assert second.pk == first.pk
    assert second.was_already_enqueued
    with pytest.raises(DuplicateJob) as caught:
        jobs.add.using(unique_key="k", on_conflict="raise").later(1)
    assert (caught.value.job_id, caught.value.using) == (first.pk, sides.buffer)
    assert len(buffered(sides)) == 1


def test_both_databases_out_of_reach(outage: Outage, sides: Sides, configure: Configure) -> None:
    configure(RECOVERY_DB_ALIAS=sides.home)  # as unreachable as itself
    outage(True)
    with pytest.raises(EnqueueUnavailable, match="neither"):
        jobs.add.later(1)


def test_now_is_not_buffered(outage: Outage, sides: Sides) -> None:
    outage(True)
    with pytest.raises(EnqueueUnavailable):
        jobs.add.now(1)
    assert buffered(sides) == []


# Recovering


def test_they_arrive_once_and_in_order(outage: Outage, sides: Sides, received: Received) -> None:
    outage(True)
    made = [jobs.add.later(number) for number in range(3)]
    made += jobs.add.later_many([{"a": 3}, {"a": 4}])
    outage(False)
    assert recover_buffered() == 5
    assert recover_buffered() == 0
    arrived = Job.objects.in_claim_order()
    assert [job.pk for job in arrived] == [job.pk for job in made]
    assert {job.status for job in arrived} == {"pending"}
    assert moves(made[0], sides.home) == [("", "pending", "recoverer")]
    assert moves(made[0], sides.buffer)[1:] == [("pending_recovery", "enqueued", "recoverer")]
    assert received.names == ["job_enqueued"] * 5


def test_while_the_outage_lasts_they_wait(outage: Outage, sides: Sides) -> None:
    outage(True)
    jobs.add.later(1)
    with pytest.raises(DatabaseError):
        recover()
    assert len(buffered(sides)) == 1


def test_what_was_asked_for_survives(outage: Outage, sides: Sides) -> None:
    outage(True)
    tomorrow = timezone.now() + timedelta(days=1)
    options = {
        "queue": "reports",
        "priority": -3,
        "timeout": 4.5,
        "max_attempts": 9,
        "unique_key": "k",
        "correlation_id": "c",
        "expires_at": tomorrow + timedelta(days=1),
        "tags": ["a", "b"],
    }
    delayed = jobs.add.using(delay=3600, **options).later(1)
    planned = jobs.add.using(scheduled_for=tomorrow).later(1)
    outage(False)
    recover()
    row = Job.objects.get(pk=delayed.pk)
    assert {name: getattr(row, name) for name in options} == options
    assert (row.status, row.scheduled_for) == ("scheduled", delayed.scheduled_for)
    assert 3590 < (row.scheduled_for - row.created_at).total_seconds() < 3610
    assert Job.objects.get(pk=planned.pk).scheduled_for == tomorrow


def test_a_delay_that_passed_meanwhile_is_promoted_at_once(outage: Outage, sides: Sides) -> None:
    outage(True)
    job = jobs.add.using(delay=60).later(1)
    past = timezone.now() - timedelta(minutes=1)
    Job.objects.using(sides.buffer).update(
        scheduled_for=past, created_at=past - timedelta(minutes=1)
    )
    outage(False)
    recover()
    assert active_store().promote(10) == 1
    assert Job.objects.get(pk=job.pk).status == "pending"


def test_what_expired_meanwhile_never_arrives(outage: Outage, sides: Sides) -> None:
    outage(True)
    job = jobs.add.using(expires_at=timezone.now() + timedelta(days=1)).later(1)
    Job.objects.using(sides.buffer).update(expires_at=timezone.now() - timedelta(days=1))
    outage(False)
    assert recover().expired == 1
    assert not Job.objects.exists()
    assert moves(job, sides.buffer)[-1] == ("pending_recovery", "expired", "recoverer")


def test_one_that_is_there_already_is_success(outage: Outage, sides: Sides) -> None:
    """As after a crash between the arrival and the mark, in whatever state it is by now."""
    outage(True)
    job, other = jobs.add.later(1), jobs.add.later(2)
    outage(False)
    active_store().adopt(recovery.waiting(1))
    Job.objects.filter(pk=job.pk).update(priority=99)
    assert recover().enqueued == 2
    assert Job.objects.get(pk=job.pk).priority == 99
    assert Job.objects.filter(pk=other.pk).exists()
    assert (Job.objects.count(), buffered(sides)) == (2, [])
    assert len(moves(job, sides.home)) == 1


def test_a_unique_key_that_a_live_job_holds_is_kept_with_its_message(
    outage: Outage, sides: Sides
) -> None:
    holder = jobs.add.using(unique_key="k").later(1)
    outage(True)
    before, job, after = (
        jobs.add.later(1),
        jobs.add.using(unique_key="k").later(1),
        jobs.add.later(1),
    )
    outage(False)
    result = recover()
    assert (result.enqueued, result.discarded) == (2, 1)
    assert set(Job.objects.values_list("pk", flat=True)) == {holder.pk, before.pk, after.pk}
    row = Job.objects.using(sides.buffer).get(pk=job.pk)
    assert row.status == "discarded"
    assert str(holder.pk) in row.error
    reason = JobTransition.objects.using(sides.buffer).filter(job_id=job.pk).last()
    assert reason is not None
    assert reason.reason == "duplicate"


@contextmanager
def refusing_large_numbers(alias: str) -> Iterator[None]:
    """PostgreSQL does so by itself; SQLite stores anything."""
    if connections[alias].vendor != "sqlite":
        yield
        return
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER tests_small BEFORE INSERT ON django_jobs_job "
            "WHEN NEW.max_attempts > 1000000 BEGIN SELECT RAISE(ABORT, 'out of range'); END"
        )
    yield
    with connections[alias].cursor() as cursor:
        cursor.execute("DROP TRIGGER tests_small")


def test_what_the_database_refuses_for_ever_is_discarded_and_holds_up_nothing(
    outage: Outage, sides: Sides
) -> None:
    outage(True)
    bad, good = jobs.add.later(1), jobs.add.later(2)
    number = 2**62 if connections[sides.buffer].vendor == "sqlite" else 2**31 - 1
    Job.objects.using(sides.buffer).filter(pk=bad.pk).update(max_attempts=number)
    outage(False)
    with refusing_large_numbers(sides.home):
        result = recover()
    assert (result.enqueued, result.discarded) == (1, 1)
    assert Job.objects.get().pk == good.pk
    row = Job.objects.using(sides.buffer).get(pk=bad.pk)
    assert row.status == "discarded"
    assert "out of range" in row.error.lower()


@pytest.mark.skipif(
    "connections['default'].vendor != 'postgresql'", reason="only PostgreSQL shows the row"
)
def test_what_the_server_says_of_the_row_is_not_kept(
    outage: Outage, sides: Sides, caplog: pytest.LogCaptureFixture
) -> None:
    if sides.home != "default":
        pytest.skip("the jobs are in SQLite here, which shows no rows")
    outage(True)
    bad = jobs.pay.later(card="4111-1111-canary", region="region-canary")
    outage(False)
    table = "ALTER TABLE django_jobs_job"
    with connections[sides.home].cursor() as cursor:
        cursor.execute(f"{table} ADD CONSTRAINT tests_none CHECK (job_name <> 'tests.pay')")
    try:
        assert recover().discarded == 1
    finally:
        with connections[sides.home].cursor() as cursor:
            cursor.execute(f"{table} DROP CONSTRAINT tests_none")
    row = Job.objects.using(sides.buffer).get(pk=bad.pk)
    assert "tests_none" in row.error
    assert "canary" not in row.error + caplog.text


def test_a_job_in_the_buffer_can_be_waited_for(outage: Outage, sides: Sides) -> None:
    outage(True)
    job = jobs.add.later(1)
    outage(False)
    recover()
    assert job._look().status == "pending"
    Job.objects.filter(pk=job.pk).update(status=Status.CANCELLED, completed_at=timezone.now())
    assert job.wait(timeout=5).status == "cancelled"


def test_two_recoverers_at_once(outage: Outage, sides: Sides) -> None:
    """The second has read the same rows before the first one marked them."""
    outage(True)
    jobs.add.later_many([{"a": number} for number in range(3)])
    outage(False)
    seen = recovery.waiting(10)
    assert recover().enqueued == 3
    assert active_store().adopt(seen) == []
    recovery.settle(seen, Status.ENQUEUED)
    assert Job.objects.count() == 3
    assert JobTransition.objects.using(sides.buffer).filter(to_status="enqueued").count() == 3


def test_only_legal_ends(outage: Outage, sides: Sides) -> None:
    outage(True)
    jobs.add.later(1)
    with pytest.raises(InvalidTransition, match="can't become completed"):
        recovery.settle(recovery.waiting(1), Status.COMPLETED)


def test_the_cleanup_forgets_what_has_left(outage: Outage, sides: Sides) -> None:
    outage(True)
    jobs.add.later_many([{"a": 1}, {"a": 2}])
    outage(False)
    recover()
    Job.objects.using(sides.buffer).update(completed_at=timezone.now() - timedelta(days=31))
    outage(True)
    waits = jobs.add.later(3)
    outage(False)
    assert clean_up().jobs["enqueued"] == 2
    assert list(Job.objects.using(sides.buffer).values_list("pk", flat=True)) == [waits.pk]
    assert JobTransition.objects.using(sides.buffer).count() == 1


# The command


def test_the_command(outage: Outage, sides: Sides, capsys: pytest.CaptureFixture[str]) -> None:
    outage(True)
    jobs.add.later_many([{"a": 1}, {"a": 2}])
    outage(False)
    call_command("jobs_recover", "--dry-run")
    assert "0 jobs enqueued, 0 discarded, 0 expired; 2 wait." in capsys.readouterr().out
    call_command("jobs_recover", "--json")
    assert '"enqueued": 2' in capsys.readouterr().out
    assert Job.objects.count() == 2


def test_the_command_without_a_buffer() -> None:
    with pytest.raises(CommandError, match="RECOVERY_DB_ALIAS") as caught:
        call_command("jobs_recover")
    assert caught.value.returncode == 2


def test_an_outage_is_told(outage: Outage, sides: Sides, caplog: pytest.LogCaptureFixture) -> None:
    outage(True)
    with caplog.at_level(logging.WARNING, "django_jobs"):
        jobs.add.later(1)
    expected = f"'{sides.home}' is out of reach; 1 new jobs are kept in '{sides.buffer}'"
    assert expected in caplog.text
