"""What an error of the database means: wait and try again, or give up what was tried.

Decided by the codes of the servers, not by Django's classes: a server that became read-only raises
``InternalError`` on PostgreSQL and ``OperationalError`` on MariaDB, and SQLite reports a missing
table in the same class as a locked file.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import DataError, Error, IntegrityError, InterfaceError, OperationalError

#: SQLSTATEs of PostgreSQL, by their beginnings.
_AWAY: Final = (
    "08",  # connection failures
    "28",  # the password is being changed, perhaps
    "3D",  # the database is being restored, perhaps
    "53",  # disk full, out of memory, too many connections
    "57014",  # statement timeout
    "57P",  # shut down, starting up, terminated by an administrator
    "58",  # the server's own files
    "55P03",  # lock timeout
    "40001",  # could not serialise
    "40P01",  # deadlock
    "25006",  # read-only
    "25P03",  # idle in a transaction for too long
    "25P04",  # the transaction took too long
)
_READ_ONLY: Final = ("25006",)
_CROWDED: Final = ("53300",)
#: libpq tells no code when a server refuses to connect, only its words, here in English; the last
#: ones are PgBouncer's.
_CROWDED_WORDS: Final = (
    "too many clients",
    "too many connections",
    "connection slots are",
    "no more connections allowed",
)
#: What ends a session.
_DISCONNECTED: Final = ("08", "28", "3D", "57P", "25P03", "25P04")
#: Serialisation failures and deadlocks.
_CONFLICTS: Final = ("40001", "40P01")
#: The values are not what the columns take; or the statement is larger than the server takes.
_BAD_DATA: Final = ("22", "23", "54")

#: Numbers of MariaDB and MySQL; from 2000 on they are the client's: out of reach.
_MYSQL_AWAY: Final = frozenset(
    {
        1021,  # disk full
        1040,  # too many connections
        1041,  # out of memory
        1053,  # shutting down
        1158,  # reading, …
        1159,
        1160,  # … writing packets
        1161,
        1180,  # error during COMMIT
        1203,  # too many connections of this user
        1205,  # lock wait timeout
        1213,  # deadlock
        1226,  # too much used by this user
        1290,  # read-only
        1317,  # interrupted
        1792,  # read-only transaction
        1836,  # read-only
        1927,  # connection killed
        1969,  # max_statement_time
        3024,  # max_execution_time
    }
)
_MYSQL_DISCONNECTED: Final = frozenset({1053, 1158, 1159, 1160, 1161, 1927})
_MYSQL_CONFLICTS: Final = frozenset({1205, 1213})
_MYSQL_CROWDED: Final = frozenset({1040, 1203, 1226})
_MYSQL_READ_ONLY: Final = frozenset({1290, 1792, 1836})
_MYSQL_TOO_LARGE: Final = frozenset({1153, 2020})  # larger than max_allowed_packet
_MYSQL_CLIENT: Final = 2000

#: Primary codes of SQLite.
_SQLITE_AWAY: Final = frozenset({5, 6, 7, 8, 9, 10, 13, 14, 15, 17})
_SQLITE_READ_ONLY: Final = 8
_SQLITE_TOO_BIG: Final = 18


def is_outage(error: BaseException) -> bool:
    """Whether the database is out of reach or refuses for now, so that trying again makes sense."""
    if not isinstance(error, Error) or is_bad_data(error):
        return False
    sqlstate, number, sqlite = _codes(error)
    if sqlstate:
        return sqlstate.startswith(_AWAY)
    if sqlite is not None:
        return sqlite in _SQLITE_AWAY
    if number is not None:
        return number in _MYSQL_AWAY or number >= _MYSQL_CLIENT
    # Raised by the driver itself: no connection, or none any more.
    return isinstance(error, OperationalError | InterfaceError)


def is_read_only(error: BaseException) -> bool:
    """Whether this server takes no writes: after a failover another one may."""
    sqlstate, number, sqlite = _codes(error)
    return sqlstate in _READ_ONLY or number in _MYSQL_READ_ONLY or sqlite == _SQLITE_READ_ONLY


def is_crowded(error: BaseException) -> bool:
    """Whether the server takes no more connections, because others hold all there are."""
    sqlstate, number, sqlite = _codes(error)
    if sqlstate or number is not None or sqlite is not None:
        return sqlstate in _CROWDED or number in _MYSQL_CROWDED
    return isinstance(error, Error) and any(words in str(error) for words in _CROWDED_WORDS)


def is_disconnection(error: BaseException) -> bool:
    """Whether this session has ended: probably all others to the same server have, too."""
    if is_crowded(error):
        return False
    sqlstate, number, sqlite = _codes(error)
    if sqlstate:
        return sqlstate.startswith(_DISCONNECTED)
    if number is not None:
        return number in _MYSQL_DISCONNECTED or number >= _MYSQL_CLIENT
    return sqlite is None and is_outage(error)


def is_conflict(error: BaseException) -> bool:
    """Whether a transaction failed only because of what others did at the same time.

    It was undone as a whole, and is likely to succeed when it runs again.
    """
    sqlstate, number, _ = _codes(error)
    return sqlstate in _CONFLICTS or number in _MYSQL_CONFLICTS


def is_bad_data(error: BaseException) -> bool:
    """Whether the error is about the values of a statement: it would be refused for ever."""
    if not isinstance(error, Error):
        return True  # Python's own: a value that could not even be sent
    sqlstate, _, _ = _codes(error)
    if sqlstate:
        return sqlstate.startswith(_BAD_DATA)
    if is_too_large(error):
        return True
    return isinstance(error, DataError | IntegrityError)


def is_too_large(error: BaseException) -> bool:
    """Whether a statement is larger than the server takes, because of a value in it."""
    _, number, sqlite = _codes(error)
    return number in _MYSQL_TOO_LARGE or sqlite == _SQLITE_TOO_BIG


def _codes(error: BaseException) -> tuple[str, int | None, int | None]:
    """SQLSTATE, number of MySQL, and primary code of SQLite, as far as the driver tells them."""
    cause: Any = error.__cause__ or error
    # psycopg 3 and 2 call it differently.
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or ""
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return sqlstate, None, code & 0xFF
    first = error.args[0] if error.args else None
    number = first if isinstance(first, int) and not isinstance(first, bool) else None
    return sqlstate, number, None
