"""What must hold after every fault, whatever it was.

I1 every acknowledged job exists once · I2 its transitions are a legal path · I3 its leases
never overlap · I4 one accepted finish, by the last lease · I5 effects in the database happen once,
others at least once and at most once for an attempt · I6 the counters agree · I7 nothing is stuck ·
I8 nothing is left behind in the server · I9 the log tells what it should, and no secrets ·
I10 the file of SQLite is whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from django.db import connection
from django.db.models import Count

from django_jobs.models import Job, JobTransition
from django_jobs.states import LIVE, TERMINAL, Status, is_legal
from tests.faults.jobs import CANARY

#: Statuses that only a worker's finish can lead to.
_FINISHED = frozenset({Status.COMPLETED, Status.FAILED, Status.DISCARDED})
#: In each line that tells of a failed attempt: there may be as many as attempts.
JOB_LINE = " failed at attempt "


@dataclass(frozen=True)
class Trace:
    """One line that a job's body has left."""

    job_id: UUID
    attempt: int
    pid: int
    what: str

    @classmethod
    def parse(cls, line: str) -> Trace:
        job_id, attempt, pid, what = line.split(" ", 3)
        return cls(UUID(job_id), int(attempt), int(pid), what)


def check_rows(acknowledged: Collection[UUID], traces: Sequence[Trace]) -> None:
    """I1 to I6, for every job that there is."""
    jobs = {job.pk: job for job in Job.objects.all()}
    steps: dict[UUID, list[JobTransition]] = defaultdict(list)
    for step in JobTransition.objects.order_by("id"):
        steps[step.job_id].append(step)
    missing = set(acknowledged) - jobs.keys()
    assert not missing, f"I1: {len(missing)} acknowledged jobs are gone"
    assert len(set(acknowledged)) == len(acknowledged), "I1: an id was acknowledged twice"
    for job in jobs.values():
        _check_path(job, steps[job.pk])
        _check_leases(job, steps[job.pk])
    _check_effects(jobs, traces)
    _check_ledger(jobs)


def _check_path(job: Job, steps: Sequence[JobTransition]) -> None:
    path = [""] + [step.to_status for step in steps]
    for step, before in zip(steps, path, strict=False):
        assert step.from_status == before, f"I2: {job.pk} went {path}"
        source = Status(step.from_status) if step.from_status else None
        assert is_legal(source, Status(step.to_status)), f"I2: {job.pk} went {path}"
    assert path[-1] == job.status, f"I2: {job.pk} is {job.status} after {path}"


def _check_leases(job: Job, steps: Sequence[JobTransition]) -> None:
    claims = [step for step in steps if step.to_status == Status.RUNNING]
    assert [claim.lease for claim in claims] == list(range(1, len(claims) + 1)), f"I3: {job.pk}"
    assert job.attempt_count == len(claims), f"I6: {job.pk} counts {job.attempt_count} attempts"
    for before, after in pairwise(steps):
        if before.to_status == Status.RUNNING:
            # The path is a chain, so a lease ends before the next begins.
            assert after.lease == before.lease, f"I4: {job.pk} was ended by lease {after.lease}"
    ends = Counter(step.lease for step in steps if step.to_status in _FINISHED and step.lease)
    assert all(count == 1 for count in ends.values()), f"I4: {job.pk} ended twice"


def _check_effects(jobs: dict[UUID, Job], traces: Iterable[Trace]) -> None:
    starts: Counter[tuple[UUID, int]] = Counter()
    for one in traces:
        if one.what == "start":
            starts[one.job_id, one.attempt] += 1
    twice = [key for key, count in starts.items() if count > 1]
    assert not twice, f"I5: attempts whose body began twice: {twice}{_story(twice[0][0], traces)}"
    for job_id, attempt in starts:
        assert attempt <= jobs[job_id].attempt_count, f"I5: {job_id} ran unclaimed"
    started = {job_id for job_id, _ in starts}
    for job in jobs.values():
        if job.status == Status.COMPLETED and job.job_name.startswith("faults."):
            assert job.pk in started, f"I5: {job.pk} is completed and never ran"


def _story(job_id: UUID, traces: Iterable[Trace]) -> str:
    """What the database and the bodies tell of one job."""
    steps = JobTransition.objects.filter(job_id=job_id).order_by("id")
    lines = [f"{s.at:%H:%M:%S.%f} {s} {s.actor} lease {s.lease} {s.reason}" for s in steps]
    lines += [str(one) for one in traces if one.job_id == job_id][:20]
    return "\n".join(["", *lines])


def _check_ledger(jobs: dict[UUID, Job]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT job_id FROM faults_ledger")
        written = Counter(UUID(row[0]) for row in cursor.fetchall())
    children = Counter(job.correlation_id for job in jobs.values() if job.queue == "children")
    for job in jobs.values():
        if job.job_name == "faults.exactly":
            expected = int(job.status == Status.COMPLETED)
            assert written[job.pk] == expected, f"I5: {job.pk} wrote {written[job.pk]} times"
            born = children[str(job.pk)]
            assert born == expected, f"I5: {job.pk} has {born} children"


def unfinished() -> int:
    """Jobs that have work ahead."""
    return Job.objects.filter(status__in=LIVE).count()


def check_nothing_is_stuck() -> None:
    """I7, when the fault is over and its time has passed: all that could end has ended."""
    live = dict(Job.objects.filter(status__in=LIVE).values_list("status").annotate(Count("pk")))
    assert not live, f"I7: still there: {live}"
    unended = Job.objects.filter(status__in=TERMINAL, completed_at__isnull=True).count()
    assert not unended, f"I6: {unended} ended jobs have no time of their end"


def leftovers_of_server() -> list[tuple[object, ...]]:
    """I8: other connections to this database, and what they wait for."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, state, wait_event, left(query, 80) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
        return list(cursor.fetchall())


def check_logs(outputs: Iterable[str], seconds: float, *, jobs_raise: bool) -> None:
    """I9: no secret, no flood, and no traceback but that of a job that gave up.

    ``seconds``: for which the worker that lived the longest may have written.
    """
    flood = 200_000 + 1000 * seconds
    for output in outputs:
        assert CANARY not in output, "I9: a secret is in the log"
        told = sum(len(line) for line in output.splitlines() if JOB_LINE not in line)
        assert told < flood, f"I9: {told} characters that are not about jobs"
        if not jobs_raise:
            assert "Traceback" not in output, f"I9: an error of our own:\n{output[-6000:]}"


def check_file() -> None:
    """I10."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            assert cursor.fetchall() == [("ok",)], "I10: the file is damaged"
