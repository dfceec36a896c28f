"""Many who see the same failures, and many who retry them, at once."""

from __future__ import annotations

import time
from functools import partial

from django_jobs import failures, sightings
from django_jobs.fingerprints import signature
from django_jobs.models import FailureCount, FailureGroup, FailureRetry, FailureState, Job
from django_jobs.services.cleanup import clean_up
from django_jobs.services.failure_retry import advance
from django_jobs.services.failures import settle_failures
from django_jobs.sightings import Sighting
from tests.factories import ago, failed_job
from tests.harness.at_once import AtOnce

ROUNDS = 8
KINDS = [signature("tests.fail", f"Error{number}") for number in range(12)]


def record(kinds: list[int]) -> None:
    """Write as a worker process does, in the order in which it saw them."""
    now = time.monotonic()
    sightings._write(
        {
            KINDS[one].fingerprint: Sighting(
                "tests.fail", KINDS[one].exception_type, "", "x", 2, now, now
            )
            for one in kinds
        }
    )


def test_who_sees_a_new_failure_at_once_makes_one_group(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        at_once(*[partial(record, [0])] * 4)
        assert FailureGroup.objects.get().count == 8
        assert sum(one.count for one in FailureCount.objects.all()) == 8
        FailureGroup.objects.all().delete()
        FailureCount.objects.all().delete()


def test_many_failures_in_many_orders(at_once: AtOnce) -> None:
    """None waits for one that waits for it: rows are locked in one order, whoever saw what."""
    orders = [list(range(12)), list(range(12))[::-1], [5, 0, 11, 3], [11, 2, 5, 7, 0]]
    for _ in range(ROUNDS):
        at_once(*[partial(record, order) for order in orders])
    counts = {group.pk: group.count for group in FailureGroup.objects.all()}
    expected = {
        kind.fingerprint: 2 * ROUNDS * sum(number in order for order in orders)
        for number, kind in enumerate(KINDS)
    }
    assert counts == expected


def test_sightings_against_operators_and_services(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        record([0])
        group = FailureGroup.objects.get()
        FailureGroup.objects.update(first_seen_at=ago(days=3))
        at_once(
            partial(record, [0]),
            partial(failures.resolve, group, by="eve"),
            settle_failures,
            clean_up,
        )
        group.refresh_from_db()
        assert group.count == 4
        # The failure came before the word that it is mended, or after it; no state is lost.
        assert group.state in (FailureState.RESOLVED, FailureState.REGRESSED)
        assert group.resolved_by == "eve"
        FailureGroup.objects.all().delete()


def test_two_operators_start_one_retry(at_once: AtOnce) -> None:
    for number in range(ROUNDS):
        group = FailureGroup.objects.create(fingerprint=f"{number:016x}", job_name="tests.add")
        failed_job(fingerprint=group.pk)
        started = at_once(*[partial(failures.retry_as_canary, group)] * 3)
        assert sum(one is not None for one in started) == 1
        assert FailureRetry.objects.filter(fingerprint=group.pk).count() == 1


def test_a_step_that_two_make_is_made_once(at_once: AtOnce) -> None:
    """As when a worker that stood still comes back beside the one that took its job."""
    for number in range(ROUNDS):
        group = FailureGroup.objects.create(fingerprint=f"{number:016x}", job_name="tests.add")
        for _ in range(4):
            failed_job(fingerprint=group.pk, completed_at=ago(minutes=1))
        retry = failures.retry_as_canary(group)
        assert retry is not None
        at_once(*[partial(advance, retry.pk)] * 2)
        assert Job.objects.pending().filter(fingerprint=group.pk).count() == 1
        at_once(partial(advance, retry.pk), partial(failures.stop_retry, retry))
        assert FailureRetry.objects.get(pk=retry.pk).end == "stopped"
        assert Job.objects.pending().filter(fingerprint=group.pk).count() == 1
