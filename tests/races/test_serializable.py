"""Servers whose default is a stricter isolation: transactions that must give way run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection

from django_jobs import operations
from django_jobs.models import Job, JobTransition
from django_jobs.outcome import Outcome
from django_jobs.stores import active_store
from tests import jobs
from tests.factories import failed_job
from tests.harness.at_once import AtOnce
from tests.harness.environment import needs_session
from tests.scenes import Configure, claim, finish

pytestmark = [
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="SQLite has one writer and one isolation"
    ),
    needs_session,
]


@pytest.fixture(params=["repeatable read", "serializable"])
def strict(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    """New connections to the test database have this isolation, until the test ends."""
    database = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    setting = "default_transaction_isolation"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET {setting} = '{request.param}'")
    connection.close()
    yield request.param
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} RESET {setting}")
    connection.close()


@pytest.fixture(params=[None, "django_jobs.stores.database.DatabaseStore"])
def store_path(request: pytest.FixtureRequest, configure: Configure) -> None:
    configure(STORE=request.param)


def test_the_isolation_is_the_strict_one(strict: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == (strict,)


def test_bulk_retries_in_opposite_order(strict: str, store_path: None, at_once: AtOnce) -> None:
    letters = [failed_job().pk for _ in range(40)]
    first, second = at_once(
        partial(operations.retry, letters), partial(operations.retry, letters[::-1])
    )
    assert len(first.done) + len(second.done) == 40
    assert Job.objects.pending().count() == 40


def as_a_worker_does(call: Callable[[], Any]) -> Any:
    """Where many serialise at once, five tries may be too few: a worker comes back later."""
    for _ in range(20):
        try:
            return call()
        except OperationalError:
            continue
    return call()


def test_claimers_share_what_there_is(strict: str, store_path: None, at_once: AtOnce) -> None:
    jobs.add.later_many([{"a": number} for number in range(60)])

    def claim_all() -> list[object]:
        mine: list[object] = []
        while batch := as_a_worker_does(partial(claim, 7)):
            for job in batch:
                assert as_a_worker_does(partial(finish, job, Outcome.complete(1)))
                mine.append(job.id)
        return mine

    shares = at_once(*[claim_all] * 3)
    taken = [job for share in shares for job in share]
    assert len(taken) == len(set(taken)) == 60
    assert JobTransition.objects.filter(to_status="completed").count() == 60


def test_a_finish_and_a_cancel(strict: str, store_path: None, at_once: AtOnce) -> None:
    for _ in range(12):
        jobs.add.later(1)
        (claimed,) = claim()
        accepted, cancelled = at_once(
            partial(finish, claimed, Outcome.complete(1)), partial(operations.cancel, claimed.id)
        )
        assert accepted
        assert bool(cancelled.done) != bool(cancelled.skipped)
    assert active_store().count_by_state() == {"completed": 12}
