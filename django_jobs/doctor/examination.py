"""``@examination``: a function that looks at one thing, with the name of its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import Error, ProgrammingError

from django_jobs.doctor.finding import Finding, Verdict, not_applicable, warn
from django_jobs.doctor.patient import Patient

Examine = Callable[[Patient], Verdict]

_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Examination:
    """One row of the table.

    Attributes:
        check: its name.
        look: what it does; it may raise.
        vendor: the only database it applies to; empty for all.
        asks_database: whether it reads anything.
    """

    check: str
    look: Examine
    vendor: str = ""
    asks_database: bool = True

    def __call__(self, patient: Patient) -> Finding:
        """Look, and say what was found; never raises."""
        try:
            verdict = self._verdict(patient)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the site is a finding
            verdict = failed(error)
        return Finding(self.check, verdict.condition, verdict.found, verdict.fix)

    def _verdict(self, patient: Patient) -> Verdict:
        if not self.asks_database:
            return self.look(patient)
        if self.vendor and patient.vendor != self.vendor:
            return not_applicable(f"not on {patient.database.display_name}")
        with patient.undisturbed():
            return self.look(patient)


def examination(
    check: str, *, only_on: str = "", asks_database: bool = True
) -> Callable[[Examine], Examination]:
    """Make a function one row of the table.

    Args:
        check: the name of the row.
        only_on: the vendor of the only database that has such a thing.
        asks_database: whether the function reads anything.
    """
    return lambda look: Examination(check, look, only_on, asks_database)


def failed(error: Exception) -> Verdict:
    """The verdict on something that could not be looked at.

    Of the text only the first line: what follows may quote the statement.
    """
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0] if lines else ''}"[:_LONGEST]
    if isinstance(error, ProgrammingError) or text.startswith("OperationalError: no such "):
        advice = "Tables or columns are missing: see the row “migrations”."
    elif isinstance(error, Error):
        advice = "The database refused to answer, or not in time; see its log."
    else:
        advice = "See what the settings and the other rows say."
    return warn(f"could not be examined: {text}", advice)
