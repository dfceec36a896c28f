"""Database triggers that refuse every change of a job's status that is not in ``MOVES``.

They stand below all code, so a store, a service or a migration that breaks the table fails the
test it runs in, with an IntegrityError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobs.states import MOVES

TABLE = "django_jobs_job"

#: While this table has a row, everything is allowed.
PAUSE_TABLE = "tests_guard_pause"

SQLITE = """
DROP TRIGGER IF EXISTS tests_guard_birth;
CREATE TRIGGER tests_guard_birth BEFORE INSERT ON {table}
WHEN NEW.status NOT IN ({births}) AND NOT EXISTS (SELECT 1 FROM {pause})
BEGIN SELECT RAISE(ABORT, 'illegal birth of a job (see MOVES)'); END;
DROP TRIGGER IF EXISTS tests_guard_move;
CREATE TRIGGER tests_guard_move BEFORE UPDATE ON {table}
WHEN NEW.status <> OLD.status AND NOT EXISTS (SELECT 1 FROM {pause})
AND OLD.status || '>' || NEW.status NOT IN ({moves})
BEGIN SELECT RAISE(ABORT, 'illegal move of a job (see MOVES)'); END;
"""

POSTGRES = """
CREATE OR REPLACE FUNCTION tests_guard_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status IN ({births}) THEN RETURN NEW; END IF;
    ELSIF NEW.status = OLD.status OR OLD.status || '>' || NEW.status IN ({moves}) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM {pause}) THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'illegal % of a job to % (see MOVES)', TG_OP, NEW.status
        USING ERRCODE = 'check_violation';
END $$;
DROP TRIGGER IF EXISTS tests_guard_status ON {table};
CREATE TRIGGER tests_guard_status BEFORE INSERT OR UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION tests_guard_status();
"""

# One trigger each: MariaDB takes one statement at a time, and names the event in the trigger.
MYSQL = (
    "DROP TRIGGER IF EXISTS tests_guard_birth",
    """
CREATE TRIGGER tests_guard_birth BEFORE INSERT ON {table} FOR EACH ROW
IF NEW.status NOT IN ({births}) AND NOT EXISTS (SELECT 1 FROM {pause}) THEN
    SIGNAL SQLSTATE '23000'
    SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = 'illegal birth of a job (see MOVES)';
END IF
""",
    "DROP TRIGGER IF EXISTS tests_guard_move",
    """
CREATE TRIGGER tests_guard_move BEFORE UPDATE ON {table} FOR EACH ROW
IF NEW.status <> OLD.status AND CONCAT(OLD.status, '>', NEW.status) NOT IN ({moves})
    AND NOT EXISTS (SELECT 1 FROM {pause}) THEN
    SIGNAL SQLSTATE '23000'
    SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = 'illegal move of a job (see MOVES)';
END IF
""",
)

SCRIPTS = {"sqlite": (SQLITE,), "postgresql": (POSTGRES,), "mysql": MYSQL}


def install(database: BaseDatabaseWrapper = connection) -> None:
    """Install the triggers in the test database, once its tables exist."""
    if TABLE not in database.introspection.table_names():
        return
    births = quoted(after for before, after in MOVES if before is None)
    moves = quoted(f"{before}>{after}" for before, after in MOVES if before is not None)
    with database.cursor() as cursor:
        if PAUSE_TABLE not in database.introspection.table_names(cursor):
            cursor.execute(f"CREATE TABLE {PAUSE_TABLE} (since TEXT)")
        for script in SCRIPTS[database.vendor]:
            filled = script.format(table=TABLE, pause=PAUSE_TABLE, births=births, moves=moves)
            if database.vendor == "sqlite":
                cursor.executescript(filled)
            else:
                cursor.execute(filled)


def quoted(values: Iterator[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


@contextmanager
def guard_paused() -> Iterator[None]:
    """Allow any status within the block: to set a scene that would take many moves to reach."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {PAUSE_TABLE} VALUES ('now')")
    try:
        yield
    finally:
        if not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {PAUSE_TABLE}")
