"""A connection that says nothing is cut, and no other one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from django_jobs.runtime import watchdog
from django_jobs.runtime.watchdog import watched
from django_jobs.stores.outages import is_disconnection
from tests.harness.relay import Relay, relay
from tests.harness.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no network"),
]


@pytest.fixture
def line() -> Iterator[Relay]:
    with relay() as one:
        yield one


@pytest.fixture
def distant(line: Relay) -> Iterator[Any]:
    """A connection through the relay."""
    other = connection.copy("distant")
    options = {**connection.settings_dict["OPTIONS"]}
    options.pop("host", None)
    other.settings_dict = {
        **connection.settings_dict,
        "HOST": "127.0.0.1",
        "PORT": line.port,
        "OPTIONS": options,
    }
    connections["distant"] = other
    ask(other)
    yield other
    other.close()
    del connections["distant"]


@pytest.fixture(params=["a visitor", "the resident"])
def _kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both kinds of watchdog: a supervisor's, and a worker process's."""
    monkeypatch.setattr(watchdog, "_resident", None)
    if request.param == "a visitor":
        yield
        return
    resident = watchdog.take_up_residence(0.3)
    yield
    resident.stop()
    resident.join()


def ask(other: Any, seconds: float = 0) -> None:
    with other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_sleep(%s)", [seconds])


@pytest.mark.usefixtures("_kind")
def test_a_silent_connection_is_cut(line: Relay, distant: Any) -> None:
    line.fall_silent()
    began = time.monotonic()
    with pytest.raises(OperationalError) as caught, watched(distant, 0.3):
        ask(distant)
    assert time.monotonic() - began < 10
    assert is_disconnection(caught.value)
    ask(connection)


@pytest.mark.usefixtures("_kind")
def test_commits_are_watched_too(line: Relay, distant: Any) -> None:
    distant.set_autocommit(False)
    ask(distant)
    line.fall_silent()
    with pytest.raises(OperationalError), watched(distant, 0.3):
        distant.commit()


@pytest.mark.usefixtures("_kind")
def test_a_connection_that_is_asked_nothing_is_left_alone(distant: Any) -> None:
    with watched(distant, 0.1) as watch:
        wait_until(lambda: time.monotonic() > watch.deadline + 0.3)
    ask(distant)


@pytest.mark.usefixtures("_kind")
def test_every_statement_has_its_own_time(distant: Any) -> None:
    with watched(distant, 0.6) as watch:
        for _ in range(3):
            watch.begin()
            ask(distant, 0.3)


def test_a_visitor_leaves_no_thread_behind(distant: Any) -> None:
    before = threading.active_count()
    with watched(distant, 1):
        ask(distant)
    assert threading.active_count() == before
