"""Finish, cancel, rescue and retry of one job at the same moment: every history is a legal path."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from django_jobs import operations
from django_jobs.models import JobTransition
from django_jobs.outcome import Outcome
from django_jobs.states import MOVES, Status
from django_jobs.stores import active_store
from django_jobs.stores.records import ClaimedJob
from tests import jobs
from tests.factories import failed_job
from tests.harness.at_once import AtOnce
from tests.scenes import claim_one, finish, fresh, let_lease_expire, path, transitions

ROUNDS = 40


def lost_job() -> ClaimedJob:
    """A running job whose lease has run out: its holder may still be alive."""
    jobs.add.later(1)
    claimed = claim_one()
    let_lease_expire(claimed)
    return claimed


@pytest.mark.fault("F45")
@pytest.mark.parametrize(
    "outcome",
    [Outcome.complete(7), Outcome.fail("error", "gave up"), Outcome.retry(60, "error")],
    ids=lambda outcome: str(outcome.status),
)
def test_finish_cancel_rescue_and_retry(at_once: AtOnce, outcome: Outcome) -> None:
    store = active_store()
    for _ in range(ROUNDS):
        claimed = lost_job()
        accepted, cancelled, rescued, retried = at_once(
            partial(finish, claimed, outcome),
            partial(operations.cancel, claimed.id),
            partial(store.rescue, 10),
            partial(operations.retry, claimed.id),
        )
        # The lease ends once, by its holder or by the rescuer.
        assert accepted + len(rescued) == 1
        ends = transitions(claimed.id).filter(from_status=Status.RUNNING)
        assert [end.lease for end in ends] == [1]
        assert ends[0].actor == ("worker:test" if accepted else "rescuer")
        # Each operator was heard or told why not, and what was done is in the history.
        history = path(claimed)
        assert is_legal(history)
        assert history[-1] == fresh(claimed).status
        assert bool(retried.done) != bool(retried.skipped)
        assert bool(cancelled.done) != bool(cancelled.skipped)
        assert history.count("pending") == 1 + bool(retried.done)
        operations.cancel(claimed.id)


def is_legal(history: list[str]) -> bool:
    return all((Status(before), Status(after)) in MOVES for before, after in pairwise(history))


def test_only_one_operator_decides_about_a_dead_letter(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        letter = failed_job()
        retried, discarded, again = at_once(
            partial(operations.retry, letter.pk),
            partial(operations.discard, letter.pk),
            partial(operations.retry, letter.pk),
        )
        history = path(letter)
        assert is_legal(["failed", *history])
        assert history[-1] == fresh(letter).status
        done = len(retried.done) + len(discarded.done) + len(again.done)
        assert done == JobTransition.objects.filter(job_id=letter.pk).count() == len(history)
        assert 1 <= done <= 3
