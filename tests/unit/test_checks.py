from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.checks import CheckMessage, run_checks
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from django_jobs import checks, conf
from django_jobs.checks import databases, disks
from django_jobs.conf.aliases import ALIASES
from django_jobs.conf.keys import KEYS

GOOD = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}


class NotACodec:
    """Importable, but without methods."""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*ALIASES, *(f"DJANGO_JOBS_{key}" for key in KEYS)]:
        monkeypatch.delenv(name, raising=False)
    conf.clear_overrides()


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("django_jobs.") for message in messages]


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for the connection to the jobs' database; checks only look at its attributes."""
    stand_in = SimpleNamespace(
        vendor="sqlite", settings_dict={"OPTIONS": {}}, is_in_memory_db=lambda: False
    )
    monkeypatch.setattr(databases, "connections", {"default": stand_in})
    return stand_in


# Settings


def test_a_good_configuration_is_silent() -> None:
    with override_settings(DJANGO_JOBS={"LEASE": 30}):
        messages = [
            *checks.check_configuration(),
            *checks.check_time_zones(),
            *checks.check_classes(),
            *checks.check_lease(),
        ]
    assert messages == []


def test_bad_settings_are_errors_with_key_source_and_range() -> None:
    with override_settings(DJANGO_JOBS={"LEASE": "5m", "LEASES": 6}):
        lease, leases = checks.check_configuration()
    assert ids([lease, leases]) == ["E001", "E001"]
    assert lease.msg == (
        "LEASE (settings.DJANGO_JOBS['LEASE']): '5m' is not allowed; "
        "it must be a number of seconds from 1 to 86400."
    )
    assert leases.hint == "Did you mean LEASE?"


def test_unknown_variables_are_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_JOBS_LEASES", "6")
    (message,) = checks.check_configuration()
    assert ids([message]) == ["W001"]
    assert "environment DJANGO_JOBS_LEASES" in message.msg


@pytest.mark.django_db  # from Django 6.1 on, its own checks ask the database
def test_manage_py_check_reports_bad_settings() -> None:
    with override_settings(DJANGO_JOBS={"LEASE": "5m"}, USE_TZ=False):
        found = ids([one for one in run_checks() if str(one.id).startswith("django_jobs.")])
    assert {"E001", "E002"} <= set(found)


def test_d96_use_tz_is_needed() -> None:
    with override_settings(USE_TZ=False):
        (message,) = checks.check_time_zones()
    assert ids([message]) == ["E002"]
    assert message.hint == "Set USE_TZ = True."


@pytest.mark.parametrize(
    ("key", "path", "number", "reason"),
    [
        ("CODEC", "no.such.Codec", "E003", "cannot be imported: ModuleNotFoundError"),
        ("CODEC", "django_jobs.codec.Nothing", "E003", "cannot be imported: ImportError"),
        ("CODEC", "django_jobs.codec.active_codec", "E003", "is not a class"),
        ("CODEC", f"{__name__}.NotACodec", "E003", "lacks the method encode, decode"),
        ("STORE", "no.such.Store", "E004", "cannot be imported"),
        ("STORE", f"{__name__}.NotACodec", "E004", "lacks the method"),
    ],
)
def test_classes_must_load(key: str, path: str, number: str, reason: str) -> None:
    with override_settings(DJANGO_JOBS={key: path}):
        (message,) = checks.check_classes()
    assert ids([message]) == [number]
    assert f"settings.DJANGO_JOBS['{key}']" in message.msg
    assert reason in message.msg


@pytest.mark.parametrize(
    "path", ["no.such.hook", f"{__name__}.no_such_hook", f"{__name__}.__doc__"]
)
def test_the_permission_hook_must_be_a_function(path: str) -> None:
    with override_settings(DJANGO_JOBS={"PERMISSION_HOOK": path}):
        (message,) = checks.check_permission_hook()
    assert ids([message]) == ["E013"]
    with override_settings(DJANGO_JOBS={"PERMISSION_HOOK": f"{__name__}.ids"}):
        assert checks.check_permission_hook() == []


@pytest.mark.parametrize(
    ("lease", "debug", "expected"),
    [(9.9, False, ["W002"]), (9.9, True, []), (10, False, [])],
)
def test_d89_a_short_lease_is_doubtful_in_production(
    monkeypatch: pytest.MonkeyPatch, lease: float, debug: bool, expected: list[str]
) -> None:
    with override_settings(DJANGO_JOBS={"LEASE": lease}, DEBUG=debug):
        assert checks.check_lease() == []  # these are tests
        monkeypatch.delattr(mail, "outbox")
        assert ids(checks.check_lease()) == expected


# SQLite


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["W003", "W004"]),
        ({"timeout": 20}, ["W003", "W004"]),
        ({"transaction_mode": "DEFERRED"}, ["W003", "W004"]),
        ({"transaction_mode": "immediate"}, ["W004"]),
        ({"init_command": "PRAGMA journal_mode = 'wal';"}, ["W003"]),
        ({"init_command": "PRAGMA synchronous=NORMAL"}, ["W003", "W004"]),
        (GOOD, []),
        (GOOD | {"init_command": "PRAGMA journal_mode=DELETE"}, []),
        (GOOD | {"transaction_mode": "EXCLUSIVE"}, []),
    ],
)
def test_d92_sqlite_needs_immediate_transactions_and_wal(
    database: Any, options: dict[str, Any], expected: list[str]
) -> None:
    database.settings_dict["OPTIONS"] = options
    messages = checks.check_sqlite()
    assert ids(messages) == expected
    for message in messages:
        assert 'DATABASES["default"]' in message.msg
        assert databases.SQLITE_OPTIONS in str(message.hint)


def test_the_options_to_paste_satisfy_the_check(database: Any) -> None:
    pasted = eval(f"{{{databases.SQLITE_OPTIONS}}}")
    database.settings_dict.update(pasted)
    assert checks.check_sqlite() == []


def test_sqlite_in_memory_needs_no_wal(database: Any) -> None:
    database.is_in_memory_db = lambda: True
    assert ids(checks.check_sqlite()) == ["W003"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_versions_of_sqlite_that_lose_commits(version: tuple[int, ...], expected: bool) -> None:
    assert databases.loses_commits(version) is expected


@pytest.mark.parametrize(
    ("processes", "version", "mode", "expected"),
    [
        (2, (3, 40, 1), "WAL", ["W005"]),
        (1, (3, 40, 1), "WAL", []),
        (2, (3, 40, 1), "DELETE", []),
        (2, (3, 51, 3), "WAL", []),
    ],
)
def test_d92_the_version_matters_for_several_processes_in_wal_mode(
    database: Any,
    monkeypatch: pytest.MonkeyPatch,
    processes: int,
    version: tuple[int, ...],
    mode: str,
    expected: list[str],
) -> None:
    monkeypatch.setattr(databases, "sqlite_version_info", version)
    database.settings_dict["OPTIONS"] = GOOD | {"init_command": f"PRAGMA journal_mode={mode}"}
    with override_settings(DJANGO_JOBS={"PROCESSES": processes}):
        assert ids(checks.check_sqlite()) == expected


# Servers


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"vendor": "postgresql", "pg_version": 150_000}, None),
        ({"vendor": "postgresql", "pg_version": 180_004}, None),
        ({"vendor": "postgresql", "pg_version": 140_018}, "PostgreSQL 14.18"),
        (
            {"vendor": "mysql", "mysql_is_mariadb": True, "mysql_version": (10, 5, 29)},
            "MariaDB 10.5.29",
        ),
        ({"vendor": "mysql", "mysql_is_mariadb": True, "mysql_version": (10, 6, 0)}, None),
        (
            {"vendor": "mysql", "mysql_is_mariadb": False, "mysql_version": (8, 0, 0)},
            "MySQL 8.0.0",
        ),
        ({"vendor": "mysql", "mysql_is_mariadb": False, "mysql_version": (8, 0, 1)}, None),
        ({"vendor": "sqlite"}, None),
        ({"vendor": "oracle"}, "oracle"),
    ],
)
def test_d93_servers_must_be_new_enough(
    database: Any, attributes: dict[str, Any], found: str | None
) -> None:
    vars(database).update(attributes)
    assert checks.check_database_version(databases=None) == []
    assert checks.check_database_version(databases=["other"]) == []
    messages = checks.check_database_version(databases=["default"])
    assert ids(messages) == (["E005"] if found else [])
    if found:
        assert f'DATABASES["default"]: {found} cannot keep jobs' in messages[0].msg


@pytest.mark.django_db
def test_the_database_of_this_run_is_new_enough() -> None:
    assert connection.vendor in {"sqlite", "postgresql", "mysql"}
    assert checks.check_database_version(databases=["default"]) == []


@pytest.mark.parametrize(
    ("pool", "queues", "expected"),
    [
        (None, {}, []),
        (False, {}, []),
        (True, {}, ["W006"]),
        ({"min_size": 2}, {}, ["W006"]),
        ({"max_size": 10}, {"default": 10}, ["W006"]),
        ({"max_size": 11}, {"default": 10}, []),
        ({"max_size": 8}, {"mail": 3, "bulk": 4}, []),
        ({"max_size": 7}, {"mail": 3, "bulk": 4}, ["W006"]),
    ],
)
def test_d95_a_pool_must_have_room_for_all_jobs(
    database: Any, pool: Any, queues: dict[str, int], expected: list[str]
) -> None:
    database.vendor = "postgresql"
    database.settings_dict["OPTIONS"] = {"pool": pool}
    with override_settings(DJANGO_JOBS={"QUEUES": queues}):
        assert ids(checks.check_pool()) == expected


# Queues


def test_queues_that_jobs_use_but_nobody_serves_are_told() -> None:
    with override_settings(DJANGO_JOBS={"QUEUES": {"default": 5}}):
        (message,) = checks.check_queues()
    assert ids([message]) == ["W007"]
    assert "reports" in str(message.msg)


def test_without_configured_queues_every_queue_is_served() -> None:
    assert checks.check_queues() == []


# Where the tables are


class Routes:
    """A router that answers what it was told."""

    def __init__(
        self,
        *,
        write: str = "default",
        read: str = "default",
        migrate: bool = True,
        model: str = "",
    ) -> None:
        self._answers = {"write": write, "read": read}
        self._migrate, self._model = migrate, model

    def _answer(self, kind: str, model: Any) -> str | None:
        mine = model._meta.app_label == "django_jobs" and self._model in ("", model.__name__)
        return self._answers[kind] if mine else None

    def db_for_write(self, model: Any, **_: Any) -> str | None:
        return self._answer("write", model)

    def db_for_read(self, model: Any, **_: Any) -> str | None:
        return self._answer("read", model)

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
        return self._migrate if app_label == "django_jobs" else None


@pytest.mark.parametrize(
    ("router", "found"),
    [
        (Routes(write="nowhere", read="nowhere"), "database 'nowhere', which is not in DATABASES"),
        (Routes(read="replica"), "Job is read from 'replica', but written to 'default'"),
        (Routes(write="other", read="other", model="JobTransition"), "no transaction has both"),
        (Routes(migrate=False), "the router lets nothing be migrated"),
    ],
    ids=["D91 no such alias", "D91 replica", "D91 two databases", "D91 not migrated"],
)
def test_all_tables_are_in_one_database_that_exists(router: Routes, found: str) -> None:
    with override_settings(DATABASE_ROUTERS=[router]):
        messages = checks.check_routing()
        # The other checks have no database to look at, and say nothing wrong about another.
        for check in (checks.check_sqlite, checks.check_pool, checks.check_sqlite_disk):
            check()
        assert checks.check_database_version(databases=["nowhere"]) == []
        assert checks.check_migrations(databases=["nowhere"]) == []
    assert set(ids(messages)) == {"E006"}
    assert found in messages[0].msg
    assert "reading, writing and migrating alike" in str(messages[0].hint)


def test_the_routes_of_this_project_are_good() -> None:
    assert checks.check_routing() == []


@pytest.mark.django_db
def test_d91_missing_migrations_are_told_but_do_not_keep_migrate_from_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert checks.check_migrations(databases=["default"]) == []
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("django_jobs", "0002_lean_indexes")
    assert checks.check_migrations(databases=None) == []
    (message,) = checks.check_migrations(databases=["default"])
    assert ids([message]) == ["W008"]
    assert "0002_lean_indexes" in message.msg
    assert "manage.py migrate" in str(message.hint)
    assert not message.is_serious()
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate", "--noinput"])
    assert checks.check_migrations(databases=["default"]) == []


@pytest.mark.parametrize(
    ("mounts", "kind"),
    [
        ("/dev/sda / ext4 rw 0 0\n", ""),
        ("/dev/sda / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0\n", "nfs4"),
        ("server:/x / nfs rw 0 0\n/dev/sdb /srv/my\\040site xfs rw 0 0\n", ""),
        ("//nas/x /srv/my\\040site cifs rw 0 0\n", "cifs"),
        ("/dev/sda /srv/my\\040site/data ext4 rw 0 0\nx /srv/my smb3 rw 0 0\n", ""),
        ("server:/x /srv nfs rw 0 0\ntmpfs /srv tmpfs rw 0 0\n", ""),
    ],
    ids=["local", "below", "local in nfs", "escaped", "only like a prefix", "mounted over"],
)
def test_d92_sqlite_on_a_network_disk_is_doubtful(
    database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mounts: str, kind: str
) -> None:
    (tmp_path / "mounts").write_text(mounts)
    monkeypatch.setattr(disks, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(disks, "connections", {"default": database})
    database.settings_dict["NAME"] = "/srv/my site/jobs.sqlite3"
    messages = checks.check_sqlite_disk()
    assert ids(messages) == (["W009"] if kind else [])
    if kind:
        assert f"a network disk ({kind})" in messages[0].msg


def test_without_a_list_of_mounts_every_disk_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks, "MOUNTS", Path("/no/such/file"))
    assert disks.network_disk(Path("/srv/jobs.sqlite3")) == ""


# The enqueue buffer


@pytest.mark.parametrize(
    ("alias", "problem"),
    [("nowhere", "is not in DATABASES"), ("default", "is the database that holds the jobs")],
)
def test_the_buffer_is_another_database(settings: Any, alias: str, problem: str) -> None:
    settings.DJANGO_JOBS = {"RECOVERY_DB_ALIAS": alias}
    (message,) = checks.check_recovery()
    assert message.id == "django_jobs.E007"
    assert f"{alias!r} {problem}" in message.msg
    assert "settings.DJANGO_JOBS" in message.msg


def test_a_usable_buffer_and_none(settings: Any) -> None:
    assert checks.check_recovery() == []
    settings.DJANGO_JOBS = {"RECOVERY_DB_ALIAS": "buffer"}
    assert checks.check_recovery() == []


def test_the_router_lets_the_buffer_have_tables(settings: Any) -> None:
    class Usual:
        def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool | None:
            return db == "default" if app_label == "django_jobs" else None

    settings.DJANGO_JOBS = {"RECOVERY_DB_ALIAS": "buffer"}
    settings.DATABASE_ROUTERS = [Usual()]
    assert checks.check_routing() == []
    (message,) = checks.check_recovery()
    assert message.id == "django_jobs.E007"
    assert "the router lets nothing be migrated in 'buffer'" in message.msg


@pytest.mark.django_db(databases=["default", "buffer"])
def test_recorded_migrations_without_tables_are_told(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DJANGO_JOBS = {"RECOVERY_DB_ALIAS": "buffer"}
    monkeypatch.setattr(
        connections["buffer"].introspection, "table_names", lambda *_: ["django_migrations"]
    )
    (message,) = checks.check_recovery_migrations(databases=["buffer"])
    assert message.id == "django_jobs.W010"
    assert "there are no tables" in message.msg
    assert "zero --fake --database buffer" in str(message.hint)


@pytest.mark.django_db(databases=["default", "buffer"])
def test_the_buffer_is_migrated(settings: Any) -> None:
    settings.DJANGO_JOBS = {"RECOVERY_DB_ALIAS": "buffer"}
    assert checks.check_recovery_migrations(databases=["default", "buffer"]) == []
    MigrationRecorder(connections["buffer"]).record_unapplied("django_jobs", "0004_recover")
    (message,) = checks.check_recovery_migrations(databases=["default", "buffer"])
    assert (message.id, "0004_recover" in message.msg) == ("django_jobs.W010", True)
    assert checks.check_recovery_migrations(databases=["default"]) == []
