"""Failures of one kind are one group: counted, sorted by people, and back when they come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from django_jobs import failures, rollups, sightings, stats
from django_jobs.exceptions import InvalidOption
from django_jobs.fingerprints import signature
from django_jobs.models import FailureCount, FailureGroup, FailureState, Job, JobAudit
from django_jobs.outcome import Outcome
from django_jobs.services.cleanup import clean_up
from django_jobs.services.failures import adopt_strays, settle_failures
from django_jobs.services.rescue import rescue_lost
from django_jobs.states import Status
from tests import jobs
from tests.factories import ago, ahead, failed_job
from tests.scenes import (
    Configure,
    claim_one,
    finish,
    fresh,
    let_lease_expire,
    make_due,
    status,
    work,
    worked,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nothing_unwritten")]

KIND = signature("tests.fail", "ValueError", "tests.jobs.fail")


def see(count: int = 1, status: Status = Status.FAILED, message: str = "ValueError: no") -> None:
    for _ in range(count):
        sightings.see("tests.fail", status, KIND, message)


def seen(count: int = 1) -> FailureGroup:
    see(count)
    rollups.write()
    return the_group()


def the_group() -> FailureGroup:
    return FailureGroup.objects.get()


# The fingerprint of a job


def test_a_failed_attempt_leaves_its_fingerprint(db: None) -> None:
    job = jobs.fail.using(max_attempts=2).later()
    first = worked(job)
    assert (first.status, len(first.fingerprint)) == (Status.RETRYING, 16)
    make_due(job)
    Job.objects.filter(pk=job.pk).update(status=Status.PENDING)
    assert worked(job).fingerprint == first.fingerprint
    assert status(job) == Status.FAILED


def test_it_is_kept_by_a_retry_and_goes_with_the_success(db: None) -> None:
    job = jobs.fail_twice.using(max_attempts=1).later()
    first = worked(job).fingerprint
    assert first
    failures.operations.retry(job)
    assert fresh(job).fingerprint == first
    claim_one()  # attempt 2 is lost …
    let_lease_expire(job)
    rescue_lost()
    assert fresh(job).fingerprint == first, "its worker was lost: nothing new about the job"
    make_due(job)
    Job.objects.filter(pk=job.pk).update(status=Status.PENDING)
    assert worked(job).status == Status.COMPLETED
    assert fresh(job).fingerprint == ""


def test_discards_cancels_and_snoozes_have_none(db: None) -> None:
    for definition in (jobs.discard, jobs.cancel, jobs.snooze):
        assert worked(definition.later()).fingerprint == ""
    assert worked(jobs.pick_errors.later("refusal")).fingerprint == ""


def test_jobs_that_end_alike_in_one_batch_keep_their_own_fingerprints(db: None) -> None:
    first, second = jobs.add.later(1), jobs.echo.later(1)
    for job in (first, second):
        name = job.job_name
        assert finish(claim_one(names=[name]), Outcome.fail("x", "x", None, signature(name, "X")))
    assert fresh(first).fingerprint != fresh(second).fingerprint


def test_who_killed_its_worker_too_often_is_a_kind_of_its_own(configure: Configure) -> None:
    configure(CRASH_LIMIT=1)
    job = jobs.add.later(1)
    claim_one()
    let_lease_expire(job)
    rescue_lost()
    group = the_group()
    assert fresh(job).fingerprint == group.pk
    assert (group.job_name, group.exception_type) == ("tests.add", "process died")
    assert "lost too often" in group.message


def test_a_secret_is_in_no_group(db: None) -> None:
    jobs.pay.later(card="4111-1111", how="raise")
    jobs.pay.later(card="4222-2222", how="chain")
    work()
    rollups.write()
    assert FailureGroup.objects.count() == 2
    for group in FailureGroup.objects.all():
        assert "4111" not in group.message
        assert "4222" not in group.message


# Groups


def test_failures_of_one_kind_are_one_group(db: None) -> None:
    for number in range(3):
        jobs.fail_once.later(f"number {number}")
    jobs.fail.later("hiccup")
    work()
    rollups.write()
    group = FailureGroup.objects.get(job_name="tests.fail_once")
    assert (group.exception_type, group.frame) == ("ValueError", "tests.jobs.fail_once")
    assert group.count == 3
    assert group.message.startswith("ValueError: number ")
    assert group.state == FailureState.NEW
    assert FailureGroup.objects.count() == 2
    assert {job.fingerprint for job in failures.failed_jobs(group)} == {group.pk}
    assert failures.failed_jobs(group).count() == 3


def test_now_is_seen_when_it_is_committed(
    db: None, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        jobs.fail_once.now()
        assert not FailureGroup.objects.exists()
    assert the_group().job_name == "tests.fail_once"


def test_counts_add_up_by_hour(db: None) -> None:
    group = seen(3)
    assert seen(2).count == 5
    (hour,) = FailureCount.objects.all()
    assert (hour.fingerprint, hour.count) == (group.pk, 5)
    assert hour.hour <= timezone.now() < hour.hour + timedelta(hours=1, minutes=1)
    since = timezone.now() - timedelta(hours=2)
    assert stats.seen_by_hour([group.pk], since) == {group.pk: {hour.hour: 5}}
    assert stats.top_failures(since) == [(group, 5)]


def test_what_ends_well_or_on_purpose_is_not_seen(db: None) -> None:
    see(status=Status.CANCELLED)
    assert not sightings.are_unwritten()


def test_what_cannot_be_written_is_kept(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seen: object) -> None:
        raise DatabaseError("away")

    see(2)
    with monkeypatch.context() as patch:
        patch.setattr(sightings, "_write", refuse)
        rollups.write()
    see(1)
    rollups.write()
    assert the_group().count == 3


def test_odd_names_are_stored(db: None) -> None:
    sightings.see("tests.fail", Status.FAILED, signature("tests.fail", "a\0\ud800", "\0"), "\0")
    rollups.write()
    assert "\\x00" in the_group().exception_type


def test_releases_are_remembered(configure: Configure) -> None:
    for release in ("1", "2", "1"):
        configure(RELEASE=release)
        group = seen()
    assert [(one["release"], one["count"]) for one in group.releases] == [("2", 1), ("1", 2)]


# States


def test_new_ones_get_old(db: None) -> None:
    group = seen()
    settle_failures()
    assert the_group().state == FailureState.NEW
    FailureGroup.objects.update(first_seen_at=ago(hours=25))
    settle_failures()
    assert the_group().state == FailureState.ONGOING
    assert group.pk == the_group().pk


def test_a_mute_ends(db: None) -> None:
    failures.mute(seen(), until=ahead(hours=1), by="eve", note="known")
    assert seen().state == FailureState.MUTED
    settle_failures()
    group = the_group()
    assert (group.state, group.muted_by, group.note) == (FailureState.MUTED, "eve", "known")
    FailureGroup.objects.update(muted_until=ago(minutes=1))
    settle_failures()
    assert the_group().state == FailureState.ONGOING


def test_a_mute_for_good_does_not(db: None) -> None:
    failures.mute(seen())
    settle_failures()
    assert seen().state == FailureState.MUTED


def test_what_is_seen_after_it_was_resolved_has_come_back(db: None) -> None:
    assert failures.resolve(seen(), by="eve")
    assert the_group().state == FailureState.RESOLVED
    assert seen().state == FailureState.REGRESSED


def test_what_was_seen_before_and_is_written_later_has_not(db: None) -> None:
    group = seen()
    see()
    sightings._unwritten.sums[group.pk].last_at -= 60
    failures.resolve(group)
    rollups.write()
    assert the_group().state == FailureState.RESOLVED
    assert the_group().count == 2


def test_old_code_that_still_runs_is_no_regression(configure: Configure) -> None:
    configure(RELEASE="1")
    failures.resolve(seen(), release="2")
    assert seen().state == FailureState.RESOLVED, "release 1 has always failed"
    configure(RELEASE="2")
    assert seen().state == FailureState.REGRESSED, "release 2 was said not to"


def test_a_release_never_seen_before_is_one(configure: Configure) -> None:
    configure(RELEASE="1")
    failures.resolve(seen(), release="2")
    configure(RELEASE="3")
    assert seen().state == FailureState.REGRESSED


def test_without_the_release_that_resolves_it_every_failure_counts(configure: Configure) -> None:
    configure(RELEASE="1")
    failures.resolve(seen())
    assert seen().state == FailureState.REGRESSED


def test_reopening_takes_everything_back(db: None) -> None:
    failures.resolve(seen(), by="eve", release="2")
    failures.reopen(the_group(), by="bob", note="not at all")
    group = the_group()
    assert group.state == FailureState.ONGOING
    assert (group.resolved_at, group.resolved_by, group.resolved_in_release) == (None, "", "")
    first, second = JobAudit.objects.order_by("pk")
    assert (first.actor, first.action, first.target) == ("eve", "change_failure", group.pk)
    assert (second.actor, second.reason) == ("bob", "not at all")
    assert first.details["resolved_in_release"] == "2"


def test_nothing_is_done_to_a_group_that_is_gone(db: None) -> None:
    group = seen()
    FailureGroup.objects.all().delete()
    assert not failures.resolve(group)
    assert not JobAudit.objects.exists()


# Failed jobs of a group


def test_failed_jobs_are_counted_up_to_a_limit(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    group = seen()
    other = signature("tests.other", "X")
    sightings.see("tests.other", Status.FAILED, other, "X")
    rollups.write()
    monkeypatch.setattr("django_jobs.stats.failures.COUNT_MAX", 2)
    for _ in range(4):
        failed_job(fingerprint=group.pk)
    failed_job(fingerprint=other.fingerprint)
    failed_job()
    counted = stats.failed_jobs_now([group.pk, other.fingerprint])
    assert counted == {group.pk: 3, other.fingerprint: 1}


def test_all_failed_jobs_are_discarded(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    group = seen()
    mine = [failed_job(fingerprint=group.pk, completed_at=ago(days=n)) for n in range(3)]
    other = failed_job(fingerprint="f" * 16)
    monkeypatch.setattr(failures, "DISCARD_MAX", 2)
    result = failures.discard_all(group, by="eve")
    assert set(result.done) == {mine[2].pk, mine[1].pk}, "the oldest first"
    assert status(other) == Status.FAILED
    assert JobAudit.objects.get().count == 2


@pytest.mark.parametrize("number", [0, -1, True, 10**9])
def test_bad_numbers_are_refused(db: None, number: int) -> None:
    with pytest.raises(InvalidOption, match="per_minute: a whole number from 1 to"):
        failures.retry_as_drip(seen(), number)


# Retention


def test_groups_go_when_nobody_needs_them(db: None) -> None:
    keeps_jobs, forgotten, recent = (signature("tests.fail", name) for name in "abc")
    for kind in (keeps_jobs, forgotten, recent):
        sightings.see("tests.fail", Status.FAILED, kind, "x")
    rollups.write()
    old = [keeps_jobs.fingerprint, forgotten.fingerprint]
    FailureGroup.objects.filter(pk__in=old).update(last_seen_at=ago(days=31))
    FailureCount.objects.filter(fingerprint__in=old).update(hour=ago(days=31))
    failed_job(fingerprint=keeps_jobs.fingerprint)
    assert clean_up().complete
    assert {group.pk for group in FailureGroup.objects.all()} == {
        keeps_jobs.fingerprint,
        recent.fingerprint,
    }
    assert FailureCount.objects.count() == 1


# Jobs that failed before there were fingerprints


def test_strays_are_grouped_by_their_tracebacks(db: None) -> None:
    mine = [worked(jobs.fail_once.later(f"number {n}")) for n in range(2)]
    fingerprint = mine[0].fingerprint
    other = failed_job(error="The worker process was lost too often while it ran this job.")
    Job.objects.update(fingerprint="")
    assert adopt_strays() == 3
    assert {fresh(job).fingerprint for job in mine} == {fingerprint}, "as if it had been raised"
    group = FailureGroup.objects.get(pk=fingerprint)
    assert (group.job_name, group.count, group.state) == ("tests.fail_once", 2, "ongoing")
    assert group.message.startswith("ValueError: number")
    assert (group.exception_type, group.frame) == ("ValueError", "tests.jobs.fail_once")
    assert fresh(other).fingerprint
    assert adopt_strays() == 0


def test_strays_join_the_group_that_is_there(db: None) -> None:
    job = worked(jobs.fail_once.later())
    rollups.write()
    failures.mute(FailureGroup.objects.get())
    Job.objects.update(fingerprint="")
    assert adopt_strays() == 1
    group = the_group()
    assert (group.pk, group.state, group.count) == (job.fingerprint, "muted", 1)


# Cost


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's plans")
def test_the_failed_jobs_of_a_group_come_from_their_index(db: None) -> None:
    group = seen()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for queryset in (
        failures.failed_jobs(group).order_by("-completed_at"),
        failures.failed_jobs(group).order_by("completed_at", "pk")[:10],
    ):
        assert "django_jobs_failure" in queryset.explain()
