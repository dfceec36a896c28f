"""Behind a real PgBouncer in transaction mode: no state of a session is relied on, or left."""

from __future__ import annotations

import os
from collections.abc import Iterator

import environ
import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobs import checks
from django_jobs.models import Job
from django_jobs.runtime.listener import Listener
from django_jobs.stores.poolers import is_direct
from tests import jobs
from tests.harness.environment import DIRECT_URL_VARIABLE, is_pooled
from tests.harness.waiting import wait_until
from tests.scenes import Configure, work

pytestmark = [
    pytest.mark.skipif(not is_pooled(), reason="only with --database pgbouncer"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def direct() -> Iterator[BaseDatabaseWrapper]:
    """A connection past the pooler, to the same database."""
    past = connection.copy("past_the_pooler")
    url = os.environ[DIRECT_URL_VARIABLE]
    name = connection.settings_dict["NAME"]
    past.settings_dict = past.settings_dict | environ.Env.db_url_config(url) | {"NAME": name}
    yield past
    past.close()


def test_a_pooler_is_told_from_a_server(direct: BaseDatabaseWrapper) -> None:
    for _ in range(5):
        connection.close()
        assert not is_direct(connection)
        direct.close()
        assert is_direct(direct)


def test_nothing_is_prepared_in_the_servers_processes() -> None:
    """Both of them are looked into, for each is held by an open transaction."""
    for number in range(20):
        jobs.add.later(number)
        work()
    other = connection.copy("other")
    seen = {}
    try:
        for one in (connection, other):
            one.set_autocommit(False)
            with one.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid(), count(*) FROM pg_prepared_statements")
                seen.update([cursor.fetchone()])
    finally:
        connection.rollback()
        connection.set_autocommit(True)
        other.close()
    assert list(seen.values()) == [0, 0]
    assert Job.objects.completed().count() == 20


def test_the_listener_says_so_and_leaves_nothing_behind(
    direct: BaseDatabaseWrapper, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on as a thread that waits: the end of one would end its process."""
    listener = Listener(lambda: None)
    listener.start()
    try:
        wait_until(lambda: [text for text in caplog.messages if "Set NOTIFY" in text], 10)
        assert listener.is_alive()
        with direct.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
            )
            assert cursor.fetchone() == (0,)
    finally:
        listener.stop()
        listener.join(10)
    assert not listener.is_alive()


def test_settings_for_no_pooler_are_told(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    (message,) = checks.check_pooler(databases=["default"])
    assert message.id == "django_jobs.W013"
    assert "NOTIFY" in str(message.hint)
    configure(NOTIFY=False)
    assert checks.check_pooler(databases=["default"]) == []
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", False)
    (message,) = checks.check_pooler(databases=["default"])
    assert "DISABLE_SERVER_SIDE_CURSORS" in str(message.hint)


def test_a_way_past_the_pooler_is_no_problem(
    direct: BaseDatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setattr(connections["default"], "settings_dict", direct.settings_dict)
    try:
        assert checks.check_pooler(databases=["default"]) == []
    finally:
        connection.close()
