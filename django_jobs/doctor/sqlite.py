"""How SQLite is set up."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import sqlite_version, sqlite_version_info
from typing import Final

from django_jobs.checks.databases import SQLITE_OPTIONS, loses_commits
from django_jobs.checks.disks import network_disk
from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, not_applicable, ok, problem, warn
from django_jobs.doctor.patient import Patient

_PASTE: Final = f"Set {SQLITE_OPTIONS}."


@examination("SQLite journal", only_on="sqlite")
def journal(patient: Patient) -> Verdict:
    """Whether readers go on while one writes; asked of the file, not of the settings."""
    mode = str(patient.value("PRAGMA journal_mode")).lower()
    if mode == "wal":
        return ok("WAL")
    if mode == "memory" and patient.database.is_in_memory_db():
        return not_applicable("a database in memory has none")
    return warn(f"{mode}: a write blocks all readers", _PASTE)


@examination("SQLite transactions", only_on="sqlite")
def transactions(patient: Patient) -> Verdict:
    """Whether a transaction takes the write lock when it begins."""
    mode = str(patient.options.get("transaction_mode") or "DEFERRED").upper()
    if mode in {"IMMEDIATE", "EXCLUSIVE"}:
        return ok(mode)
    return warn(f"{mode}: concurrent workers fail with “database is locked”", _PASTE)


@examination("SQLite version", only_on="sqlite")
def version(patient: Patient) -> Verdict:
    """Whether this SQLite loses commits (the WAL-reset bug)."""
    mode = str(patient.value("PRAGMA journal_mode")).lower()
    if mode != "wal" or not loses_commits(sqlite_version_info):
        return ok(sqlite_version)
    several = max(patient.settings["PROCESSES"], len(patient.live_processes)) > 1
    return (problem if several else warn)(
        f"{sqlite_version} may lose commits when several processes write in WAL mode "
        "(the WAL-reset bug)",
        "Upgrade SQLite to 3.51.3 (or 3.50.7, 3.44.6), run one worker process, or set "
        '"init_command": "PRAGMA journal_mode=DELETE".',
    )


@examination("SQLite disk", only_on="sqlite")
def disk(patient: Patient) -> Verdict:
    """Whether the file lies on this machine."""
    if patient.database.is_in_memory_db():
        return not_applicable("a database in memory lies on none")
    kind = network_disk(Path(str(patient.database.settings_dict["NAME"])))
    if not kind:
        return ok("a local one")
    return problem(
        f"a network disk ({kind}), whose locks may fail: two writers then damage the file",
        "Put the file on a disk of this machine, or use PostgreSQL.",
    )
