"""What the server can do, whether it may be written, and what time it has."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.utils import timezone

from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, not_applicable, ok, problem, warn
from django_jobs.doctor.patient import Patient
from django_jobs.doctor.wording import span

#: Seconds between the clocks of this machine and the database.
SKEW_TOLERATED: Final = 1.0
SKEW_HARMFUL: Final = 60.0


@examination("SKIP LOCKED")
def skip_locked(patient: Patient) -> Verdict:
    """Whether workers pass by the rows that others are taking."""
    if patient.vendor == "sqlite":
        return not_applicable("SQLite has one writer at a time; a claim takes the write lock")
    if patient.database.features.has_select_for_update_skip_locked:
        return ok("supported")
    return problem(
        "not supported: workers wait for each other at every claim",
        "Use PostgreSQL, MariaDB 10.6, MySQL 8.0.1, or later.",
    )


@examination("writable")
def writable(patient: Patient) -> Verdict:
    """Whether anything can be written: a standby, or a server told so, only reads."""
    reason = _READ_ONLY[patient.vendor](patient) if patient.vendor in _READ_ONLY else ""
    if reason:
        return problem(
            f"the database cannot be written: {reason}",
            "Point DATABASES at the primary, or make it writable; workers wait until it is.",
        )
    return ok("yes")


@examination("clock")
def clock(patient: Patient) -> Verdict:
    """How far this machine's clock is from the database's, which decides what is due."""
    before, started = timezone.now(), time.monotonic()
    theirs = patient.read_clock()
    took = time.monotonic() - started
    skew = (theirs - before - timedelta(seconds=took / 2)).total_seconds()
    found = f"this machine is {span(abs(skew))} {'behind' if skew > 0 else 'ahead of'} the database"
    if abs(skew) - took / 2 <= SKEW_TOLERATED:
        return ok(f"within {span(max(abs(skew), 0.1))} of the database's")
    verdict = problem if abs(skew) > SKEW_HARMFUL else warn
    return verdict(
        found,
        "Let both synchronise with NTP. Leases and due times follow the database; scheduled_for "
        "and expires_at that code works out here do not.",
    )


def _postgres_reason(patient: Patient) -> str:
    # Not transaction_read_only: the doctor's own transactions are.
    standby, default = patient.rows(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'"
    )[0]
    if standby:
        return "the server is a standby"
    return "default_transaction_read_only is on" if default else ""


def _sqlite_reason(patient: Patient) -> str:
    if patient.value("PRAGMA query_only"):
        return "PRAGMA query_only is set"
    file = Path(str(patient.database.settings_dict["NAME"]))
    if patient.database.is_in_memory_db() or not file.exists():
        return ""
    if "mode=ro" in str(file) or not os.access(file, os.W_OK):
        return "this user may not write the file"
    # SQLite makes its journal beside the file.
    return "" if os.access(file.parent, os.W_OK) else "this user may not write into its folder"


def _mysql_reason(patient: Patient) -> str:
    return "read_only is on" if patient.value("SELECT @@global.read_only") else ""


_READ_ONLY: Final = {
    "postgresql": _postgres_reason,
    "sqlite": _sqlite_reason,
    "mysql": _mysql_reason,
}
