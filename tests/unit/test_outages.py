"""What errors mean, by the codes of the servers that are not at hand here."""

from __future__ import annotations

from sqlite3 import OperationalError as SQLiteError

import pytest
from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from django_jobs.stores.outages import (
    is_bad_data,
    is_crowded,
    is_disconnection,
    is_outage,
    is_read_only,
)


class DriverError(Exception):
    """As psycopg 3 raises it."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("told by the server")
        self.sqlstate = sqlstate


class OldDriverError(Exception):
    """As psycopg 2 raises it."""

    def __init__(self, pgcode: str) -> None:
        super().__init__("told by the server")
        self.pgcode = pgcode


def caused(error: Error, cause: Exception) -> Error:
    error.__cause__ = cause
    return error


def of_sqlite(code: int, kind: type[Error] = OperationalError) -> Error:
    cause = SQLiteError("told by the library")
    cause.sqlite_errorcode = code
    return caused(kind(), cause)


@pytest.mark.parametrize(
    "sqlstate",
    [
        "08006",
        "28P01",
        "3D000",
        "53100",
        "53200",
        "53300",
        "57014",
        "57P01",
        "57P02",
        "57P03",
        "57P05",
        "58030",
        "55P03",
        "40001",
        "40P01",
        "25006",
        "25P03",
        "25P04",
    ],
)
def test_postgresql_asks_for_patience(sqlstate: str) -> None:
    for kind in (OperationalError, InternalError):
        for cause in (DriverError(sqlstate), OldDriverError(sqlstate)):
            error = caused(kind("x"), cause)
            assert is_outage(error)
            assert not is_bad_data(error)


@pytest.mark.parametrize(
    ("error", "sqlstate", "is_data"),
    [
        (DataError("x"), "22001", True),
        (IntegrityError("x"), "23514", True),
        (OperationalError("x"), "54000", True),
        (ProgrammingError("x"), "42P01", False),
        (ProgrammingError("x"), "42703", False),
        (InternalError("x"), "25P02", False),
        (InternalError("x"), "XX000", False),
    ],
)
def test_postgresql_refuses(error: Error, sqlstate: str, is_data: bool) -> None:
    error = caused(error, DriverError(sqlstate))
    assert not is_outage(error)
    assert is_bad_data(error) == is_data


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
def test_without_a_code_it_is_the_connection(kind: type[Error]) -> None:
    assert is_outage(kind("the connection is closed"))
    assert is_outage(caused(kind("the connection is closed"), DriverError(None)))
    assert not is_outage(DatabaseError("something else"))


@pytest.mark.parametrize("number", [1040, 1205, 1213, 1290, 1792, 1969, 2002, 2003, 2006, 2013])
def test_mariadb_asks_for_patience(number: int) -> None:
    assert is_outage(OperationalError(number, "told by the server"))


@pytest.mark.parametrize(("number", "is_data"), [(1054, False), (1364, False), (1153, True)])
def test_mariadb_refuses(number: int, is_data: bool) -> None:
    error = OperationalError(number, "told by the server")
    assert not is_outage(error)
    assert is_bad_data(error) == is_data


@pytest.mark.parametrize("code", [5, 6, 8, 10, 13, 14, 261, 517, 778, 1032])
def test_sqlite_asks_for_patience(code: int) -> None:
    assert is_outage(of_sqlite(code))


@pytest.mark.parametrize(("code", "is_data"), [(1, False), (11, False), (18, True)])
def test_sqlite_refuses(code: int, is_data: bool) -> None:
    error = of_sqlite(code, DataError if is_data else OperationalError)
    assert not is_outage(error)
    assert is_bad_data(error) == is_data


@pytest.mark.parametrize(
    "error",
    [
        caused(InternalError("x"), DriverError("25006")),
        OperationalError(1290, "--read-only"),
        OperationalError(1792, "a read-only transaction"),
        of_sqlite(8),
        of_sqlite(1032),
    ],
)
def test_a_read_only_server_is_known(error: Error) -> None:
    assert is_read_only(error)
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [OperationalError("gone"), caused(OperationalError("x"), DriverError("57P01")), of_sqlite(5)],
)
def test_other_troubles_are_not_read_only(error: Error) -> None:
    assert not is_read_only(error)


def test_pythons_own_errors_are_about_values() -> None:
    for error in (ValueError("x"), TypeError("x"), OverflowError("x"), InterfaceError("x")):
        assert not is_outage(error) or isinstance(error, Error)
        assert is_bad_data(error) == (not isinstance(error, Error))


CROWDED = [
    caused(OperationalError(), DriverError("53300")),
    # psycopg tells no code of a server that refuses to connect.
    OperationalError("connection failed: FATAL:  sorry, too many clients already"),
    OperationalError('FATAL:  too many connections for database "site"'),
    OperationalError("FATAL:  remaining connection slots are reserved for roles"),
    OperationalError("FATAL:  no more connections allowed (max_client_conn)"),
    OperationalError(1040, "Too many connections"),
    OperationalError(1203, "User site already has more than 'max_user_connections'"),
]


@pytest.mark.parametrize("error", CROWDED, ids=str)
def test_a_server_without_a_connection_left_ended_none_of_ours(error: Error) -> None:
    assert is_crowded(error)
    assert is_outage(error)
    assert not is_disconnection(error)


@pytest.mark.parametrize(
    "error",
    [
        caused(OperationalError(), DriverError("57P01")),
        OperationalError("connection refused"),
        OperationalError(2006, "gone away"),
        of_sqlite(5),
        # The words of a job's own error are no server's.
        ValueError("too many clients already"),
    ],
    ids=repr,
)
def test_other_outages_are_no_crowd(error: Exception) -> None:
    assert not is_crowded(error)
