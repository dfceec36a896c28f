"""The list of bad inputs, and that each of its lines is a test with its number in the id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

#: What each line is about. The numbers between belong to the HTTP API, which there is not yet,
#: or to nothing.
LINES = {
    1: "unregistered name",
    2: "lambda, closure, method, partial as a job",
    3: "the path of any function as a name",
    4: "wrong, missing, extra arguments",
    5: "set, bytes, object",
    6: "model instance",
    7: "NaN, infinities",
    8: "circular value",
    9: "too deep",
    10: "too large",
    11: "NUL",
    12: "lone surrogate",
    15: "tuple",
    16: "Decimal, datetime, UUID without a type hint",
    17: "naive time",
    18: "year 9999, “tomorrow”, date",
    19: "negative, NaN, huge delay",
    20: "delay and time",
    21: "expires before it is due",
    22: "priority",
    23: "queue name",
    24: "unknown queue in strict mode",
    25: "max_attempts",
    26: "timeout",
    28: "unique key",
    29: "duplicate unique key",
    32: "inside a broken transaction",
    33: "in async code",
    36: "unknown option",
    37: "database down",
    38: "progress",
    65: "action by who may only look",
    66: "action without CSRF token",
    67: "action on jobs that cannot",
    68: "action on all",
    70: "arguments of a schedule",
    71: "job of a schedule",
    73: "odd queries",
    74: "markup in stored text",
    76: "number of cron fields",
    77: "values of cron fields",
    78: "dates that never come",
    79: "29 February",
    80: "too often",
    83: "time zone",
    85: "schedule of the same name",
    86: "long pause",
    87: "unknown key",
    88: "heartbeat and lease",
    89: "short lease",
    90: "bad values",
    91: "database alias, router, migrations",
    92: "SQLite's set-up, version, disk",
    93: "old servers",
    94: "isolation of MySQL",
    95: "small pool",
    96: "USE_TZ",
    97: "duplicate names",
    101: "--queues",
    102: "--concurrency",
    103: "--lease",
    105: "database down at start",
    106: "unapplied migrations",
    107: "no jobs",
    108: "--once on an empty queue",
    110: "operations on what is no job, or without --yes",
    111: "a jobs module that does not import",
}

#: Lines of the list that this design has no place for.
NOT_APPLICABLE = {
    30: "a caller gives no id: it is made here, so that none can be used twice",
    31: "using() names no database: the router decides, and D36 refuses the option",
    84: "schedules have no intervals, only cron expressions; D80 limits how often they fire",
    98: "there is no HTTP API yet",
    99: "no setting is a secret, so that none can be left at its default",
    104: "no pidfile: systemd and containers watch processes, --healthcheck asks the database",
}

TESTS = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def numbers() -> set[int]:
    """The numbers that stand in ids and names of tests."""
    found: set[int] = set()
    for file in TESTS.rglob("test_*.py"):
        if file == Path(__file__):
            continue
        for marks in re.findall(r"\bdef test((?:_d\d+)+)_|\"((?:D\d+ )+|D\d+\")", file.read_text()):
            found |= {int(number) for number in re.findall(r"[dD](\d+)", "".join(marks))}
    return found


@pytest.mark.parametrize("line", LINES, ids="line {}".format)
def test_every_line_is_tested(line: int, numbers: set[int]) -> None:
    assert line in numbers, LINES[line]


def test_what_does_not_apply_is_not_tested(numbers: set[int]) -> None:
    assert not numbers & NOT_APPLICABLE.keys()
    assert not LINES.keys() & NOT_APPLICABLE.keys()


def test_no_number_is_made_up(numbers: set[int]) -> None:
    assert numbers <= LINES.keys()
