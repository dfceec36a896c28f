"""What a soak saw: executions that were interrupted or done twice, and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django_jobs.models import Job, JobTransition
from django_jobs.states import Status
from tests.faults.invariants import Trace

#: Why an execution that had ended may run again.
STRUCK = "killed or frozen before the outcome was written"
ENDED = "its process had ended, or was ended by a supervisor that could not renew"
UNHEARD = "the heartbeat had no turn at SQLite's lock"
EXPLAINED = frozenset({STRUCK, ENDED, UNHEARD})

_ACCEPTED = frozenset({Status.COMPLETED, Status.FAILED, Status.RETRYING, Status.CANCELLED})


@dataclass
class Account:
    """The sums of a soak."""

    jobs: int = 0
    attempts: int = 0
    interrupted: int = 0
    duplicates: Counter[str] = field(default_factory=Counter)
    slowest_recovery: float = 0.0
    recoveries: int = 0

    def rows(self) -> list[tuple[str, str]]:
        """As they stand in the documentation."""
        causes = ", ".join(f"{count} {cause}" for cause, count in self.duplicates.most_common())
        return [
            ("jobs", f"{self.jobs:,}"),
            ("attempts", f"{self.attempts:,}"),
            ("executions that were interrupted", f"{self.interrupted:,}"),
            ("executions that had ended and ran again", causes or "none"),
            ("rescues", f"{self.recoveries:,}"),
            ("slowest time from a kill to the next attempt", f"{self.slowest_recovery:.1f} s"),
        ]


def account(
    traces: Sequence[Trace],
    killed: Mapping[int, float],
    struck: Sequence[tuple[float, str]],
    unheard: Collection[str],
) -> Account:
    """Compare what bodies did with what was accepted.

    Args:
        traces: what bodies did.
        killed: pid → when.
        struck: when which worker was killed or frozen.
        unheard: the workers whose heartbeat had no turn at SQLite's lock.
    """
    done = Account(jobs=Job.objects.count())
    ends = {(one.job_id, one.attempt) for one in traces if one.what == "end"}
    by_attempt = {(one.job_id, one.attempt): one.pid for one in traces if one.what == "start"}
    done.attempts = len(by_attempt)
    begun = {(one.job_id, one.attempt): at for at, one in enumerate(traces) if one.what == "start"}
    last_of = {one.pid: at for at, one in enumerate(traces)}

    def outlived(pid: int, following: tuple[UUID, int]) -> bool:
        """Whether a process did more when the next attempt of its job had begun elsewhere."""
        return last_of[pid] > begun.get(following, len(traces))

    for job_id, steps in _steps().items():
        for claim, end, following in _attempts(steps):
            key = (job_id, claim.attempt)
            if end is None or key not in by_attempt:
                continue
            if end.actor.startswith("worker") and end.to_status in _ACCEPTED:
                continue  # an accepted finish
            if key in ends:
                lives_on = outlived(by_attempt[key], (job_id, claim.attempt + 1))
                done.duplicates[_cause(claim, end, struck, unheard, lives_on=lives_on)] += 1
            else:
                done.interrupted += 1
            killed_at = killed.get(by_attempt[key], 0.0)
            # A number may be given to another process when its first owner is gone.
            if following is not None and claim.at.timestamp() <= killed_at <= end.at.timestamp():
                waited = following.at.timestamp() - killed_at
                done.recoveries += 1
                done.slowest_recovery = max(done.slowest_recovery, waited)
    return done


def _steps() -> dict[UUID, list[JobTransition]]:
    steps: dict[UUID, list[JobTransition]] = defaultdict(list)
    for step in JobTransition.objects.order_by("id"):
        steps[step.job_id].append(step)
    return steps


def _attempts(
    steps: Sequence[JobTransition],
) -> list[tuple[JobTransition, JobTransition | None, JobTransition | None]]:
    """Of each attempt its claim, its end, and the claim that follows."""
    claims = [place for place, step in enumerate(steps) if step.to_status == Status.RUNNING]
    return [
        (
            steps[place],
            steps[place + 1] if place + 1 < len(steps) else None,
            next((steps[later] for later in claims if later > place), None),
        )
        for place in claims
    ]


def _cause(
    claim: JobTransition,
    end: JobTransition,
    struck: Sequence[tuple[float, str]],
    unheard: Collection[str],
    *,
    lives_on: bool,
) -> str:
    """Why the job ran again: that its lease was taken away explains nothing."""
    worker = claim.actor.removeprefix("worker:")
    held = (claim.at.timestamp(), end.at.timestamp())
    if any(name == worker and held[0] <= at <= held[1] for at, name in struck):
        return STRUCK
    if not lives_on:
        return ENDED
    return UNHEARD if worker in unheard else f"unexplained: {end.reason or end.to_status}"
