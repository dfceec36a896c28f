"""The end of an attempt against everybody who may end it as well."""

from __future__ import annotations

from functools import partial

from django_jobs import operations
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.stores import active_store
from tests import jobs
from tests.harness.at_once import AtOnce
from tests.scenes import (
    claim,
    claim_one,
    finish,
    fresh,
    let_lease_expire,
    path,
)

ROUNDS = 12


def test_finish_against_rescue(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        let_lease_expire(claimed)
        accepted, rescued = at_once(
            partial(finish, claimed, Outcome.complete(7)), partial(active_store().rescue, 10)
        )
        row = fresh(claimed)
        if accepted:
            assert (rescued, row.status, row.result, row.crash_count) == ([], "completed", 7, 0)
        else:
            assert [one.id for one in rescued] == [claimed.id]
            assert (row.status, row.result, row.crash_count) == ("retrying", None, 1)


def test_finish_against_cancel(at_once: AtOnce) -> None:
    """A retry that was decided before the request is put back, one after it is not."""
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        accepted, cancelled = at_once(
            partial(finish, claimed, Outcome.retry(60, "x")),
            partial(operations.cancel, claimed.id),
        )
        assert accepted
        assert cancelled.done == [claimed.id]
        # If the retry came first, it was cancelled while it waited.
        assert path(claimed)[2:] in (["cancelled"], ["retrying", "cancelled"])


def test_two_finishers_of_one_lease(at_once: AtOnce) -> None:
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        results = at_once(
            partial(finish, claimed, Outcome.complete(1)),
            partial(finish, claimed, Outcome.release("again")),
        )
        assert sorted(results) == [False, True]
        assert len(path(claimed)) == 3
        claim()


def test_rescue_against_rescue(at_once: AtOnce) -> None:
    jobs.add.later_many([{"a": number} for number in range(30)])
    for claimed in claim(30):
        let_lease_expire(claimed)

    def rescue_all() -> list[object]:
        mine: list[object] = []
        while rescued := active_store().rescue(4):
            mine += [one.id for one in rescued]
        return mine

    first, second = at_once(rescue_all, rescue_all)
    assert len(first) + len(second) == len({*first, *second}) == 30
    assert set(Job.objects.values_list("crash_count", "status")) == {(1, "retrying")}


def test_renew_against_rescue(at_once: AtOnce) -> None:
    """A lease that was rescued is not renewed; one that was renewed is not rescued."""
    for _ in range(ROUNDS):
        jobs.add.later(1)
        claimed = claim_one()
        let_lease_expire(claimed)
        process = fresh(claimed).worker_process
        renewed, rescued = at_once(
            partial(active_store().renew, [process], 60.0), partial(active_store().rescue, 10)
        )
        assert renewed + len(rescued) == 1
        assert fresh(claimed).status == ("running" if renewed else "retrying")
        Job.objects.all().delete()
