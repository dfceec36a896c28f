"""The doctor's light: green, yellow or red, looked at once a minute for everybody.

Not by the overview itself, which has no time for it; see ``lamp.py``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django_jobs.admin.overview.kept import keep, known
from django_jobs.doctor import Condition, Finding, attempts, postgres, queues, server, sqlite
from django_jobs.doctor.patient import Patient

#: Under which it is kept.
NAME: Final = "doctor"
#: After these the doctor looks again, if anybody is there to see it.
SECONDS: Final = 60.0
#: After these nobody cares any more for what he said.
KEPT: Final = 300.0

#: Those that read little, and that the rest of the overview does not say already.
_QUICK: Final = (
    server.writable,
    server.clock,
    sqlite.journal,
    sqlite.transactions,
    queues.unserved_queues,
    queues.overdue_delayed_jobs,
    queues.unknown_jobs,
    attempts.lost_jobs,
    postgres.longest_transaction,
    postgres.oldest_snapshot,
    postgres.dead_rows,
)


@dataclass(frozen=True, slots=True)
class Light:
    """What the doctor says in short.

    Attributes:
        condition: class of the style sheet: ``ok``, ``warn``, ``problem``.
        check: what the worst finding is about; empty if all is well.
        found: the finding.
        fix: what to do about it.
        more: findings beside it.
        at: when it was looked at, in seconds since 1970.
    """

    condition: str
    check: str = ""
    found: str = ""
    fix: str = ""
    more: int = 0
    at: float = field(default_factory=time.time)

    @property
    def is_old(self) -> bool:
        """Whether it is time to look again."""
        return time.time() - self.at > SECONDS


def light() -> Light:
    """The light of the last minute, or a new one."""
    found = known_light()
    if found is None or found.is_old:
        found = _look()
        keep(NAME, KEPT, found)
    return found


def known_light() -> Light | None:
    """What the doctor said last, if anybody let him look lately."""
    return known(NAME, Light)


def _look() -> Light:
    findings = list(_findings())
    for condition in (Condition.PROBLEM, Condition.WARN):
        bad = [one for one in findings if one.condition == condition]
        if bad:
            first = bad[0]
            others = [
                one for one in findings if one.condition in (Condition.PROBLEM, Condition.WARN)
            ]
            return Light(str(condition), first.check, first.found, first.fix, len(others) - 1)
    return Light(str(Condition.OK))


def _findings() -> Iterator[Finding]:
    patient = Patient()
    for examination in _QUICK:
        yield examination(patient)
