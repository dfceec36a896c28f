"""Faults: real workers, a database of their own, and what must hold whatever happens.

``pytest tests/faults`` takes some minutes; ``--soak --minutes 20`` tries long and at random.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from tests.faults import servers
from tests.faults.proxy import Proxy
from tests.faults.servers import NAME, Cluster, using_database
from tests.faults.stage import Stage, on_stage
from tests.harness.environment import is_pooled, url_of_the_test_database


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what another database is for, and the soak unless it was asked for."""
    vendor = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    if is_pooled():
        vendor = ""  # one of the faults has a pooler of its own
    kept = [item for item in items if _is_for(item, vendor, soak=config.option.soak)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _is_for(item: pytest.Item, vendor: str, *, soak: bool) -> bool:
    if "tests/faults" not in item.path.as_posix():
        return True
    if vendor == "mysql":
        return any(mark.args == ("F49",) for mark in item.iter_markers("fault"))
    marker = item.get_closest_marker("only")
    is_soak = item.get_closest_marker("soak") is not None
    is_here = vendor in marker.args if marker else bool(vendor)
    return is_here and (soak or not is_soak)


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """What chance begins with; printed, and taken from ``--seed`` to see the same again."""
    return pytestconfig.option.seed


@pytest.fixture
def chance(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Random numbers that depend on the seed and the test."""
    print(f"--seed {seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture(autouse=True)
def _databases_allowed(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def cluster(django_db_blocker: DjangoDbBlocker) -> Iterator[Cluster]:
    """A server for all tests that leave it as it was."""
    with Cluster().serving() as server:
        with django_db_blocker.unblock(), using_database(server.url_of(NAME)):
            servers.build_tables()
        yield server


@pytest.fixture(scope="session")
def sqlite_template(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Path:
    """A file with all tables and no rows."""
    file = tmp_path_factory.mktemp("template") / "jobs.sqlite3"
    with django_db_blocker.unblock(), using_database(f"sqlite:///{file}"):
        servers.build_tables()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture(scope="session")
def mariadb_url(worker_id: str, django_db_blocker: DjangoDbBlocker) -> str:
    """A database of the server that this run is about."""
    name = f"{NAME}_{worker_id}"
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        url = re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", url_of_the_test_database(), count=1)
        with using_database(url):
            servers.build_tables()
    return url


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Everything a fault needs, on the database of this run."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        file = tmp_path / "jobs.sqlite3"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        url = f"sqlite:///{file}"
    elif settings.DATABASES["default"]["ENGINE"].endswith("mysql"):
        url = request.getfixturevalue("mariadb_url")
    else:
        url = request.getfixturevalue("cluster").url_of(NAME)
    with using_database(url):
        if connection.vendor != "sqlite":
            servers.empty_tables()
        with on_stage(url, tmp_path) as stage:
            yield stage


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """A network between the workers and the server."""
    with Proxy(cluster.socket).running() as proxy:
        yield proxy


@pytest.fixture
def proxied(cluster: Cluster, proxy: Proxy) -> str:
    """The URL of the database through that network."""
    return cluster.url_of(NAME, proxy.port)
