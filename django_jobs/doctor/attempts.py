"""Jobs that were started: those that nobody ends, and those that gave up."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from django_jobs.doctor.examination import examination
from django_jobs.doctor.finding import Verdict, ok, problem, warn
from django_jobs.doctor.patient import Patient
from django_jobs.doctor.wording import counted, listed, span

#: Rows that are counted at most.
MOST: Final = 1000


@examination("lost jobs")
def lost_jobs(patient: Patient) -> Verdict:
    """Running jobs whose lease ran out so long ago that somebody should have taken them back."""
    long_ago = patient.now - 2 * patient.lease
    lost = patient.jobs.running().filter(worker_expires_at__lt=long_ago)
    expired = list(lost.values_list("worker_expires_at", flat=True)[:MOST])
    if not expired:
        return ok("none")
    number = f"{MOST:,} or more" if len(expired) == MOST else str(len(expired))
    return problem(
        f"running jobs whose lease ran out up to {span(patient.age(min(expired)))} ago: {number}",
        "Nobody takes them back: start a worker without --no-services, or see its log.",
    )


@examination("dead letters")
def dead_letters(patient: Patient) -> Verdict:
    """Jobs that gave up within a day."""
    since = patient.now - timedelta(days=1)
    # SQLite sees that the index of ended jobs will do only if all their statuses are named.
    failed = patient.jobs.finished().failed().filter(completed_at__gte=since)
    names = Counter(failed.order_by("-completed_at").values_list("job_name", flat=True)[:MOST])
    if not names:
        return ok("none within a day")
    total = sum(names.values())
    number = f"{MOST:,} or more jobs" if total == MOST else counted(total, "job", "jobs")
    most = [f"{name} ({count})" for name, count in names.most_common()]
    return warn(
        f"{number} gave up within a day: {listed(most)}",
        "See their errors in the admin or with “manage.py jobs_list --status failed --json”; "
        "then jobs_retry or jobs_discard.",
    )
