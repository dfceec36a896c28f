"""What PostgreSQL reads and is asked on the hot path: guards what the benchmarks found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from django_jobs.ids import uuid7
from django_jobs.models import Job
from django_jobs.outcome import Outcome
from django_jobs.stores import active_store
from django_jobs.stores.postgres.sql import tables
from django_jobs.stores.records import ClaimedJob, Finish
from tests import jobs
from tests.scenes import PROCESS, claim, status

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's plans"),
    pytest.mark.django_db,
]

ROWS = """
INSERT INTO {job} (
    id, job_name, queue, priority, params, tags, status, progress, progress_message, error,
    max_attempts, attempt_count, failure_count, crash_count, lease, correlation_id, completed_at,
    scheduled_for
)
SELECT gen_random_uuid(), 'tests.add', %s, 0, '{{"a": 1}}', '[]', %s, 0, '', '', 3, 1, 0, 0, 1, '',
    CASE %s WHEN 'completed' THEN now() END, now() + make_interval(secs => %s)
FROM generate_series(1, %s)
"""


CLAIM = {"Index Scan django_jobs_claim", "Tid Scan"}
BITMAP = {"Bitmap Index Scan django_jobs_claim", "Bitmap Heap Scan"}
BY_KEY = {
    "Index Scan django_jobs_job_pkey",
    "Bitmap Index Scan django_jobs_job_pkey",
    "Bitmap Heap Scan",
}


@pytest.fixture(scope="module", autouse=True)
def swept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A million rows that were rolled back stay in the file: later tests would read past them."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM {job}".format(**tables()))


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE {job}".format(**tables()))


def fill(count: int, status: str, queue: str = "default", seconds: int = 0) -> None:
    with connection.cursor() as cursor:
        # Without the guard's trigger, which would be asked a million times.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(ROWS.format(**tables()), [queue, status, status, seconds, count])
        cursor.execute("SET LOCAL session_replication_role = origin")


def plans_of(work: Callable[[], Any]) -> Iterator[dict[str, Any]]:
    """Every node of the plans of what ``work`` asks, planned again on the rows as they are now."""
    with CaptureQueriesContext(connection) as captured:
        work()
    for query in captured.captured_queries:
        if not query["sql"].lstrip().startswith(("WITH", "UPDATE")):
            continue
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT JSON) " + query["sql"].replace("%", "%%"))
            yield from nodes(cursor.fetchone()[0][0]["Plan"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def reads_of_jobs(work: Callable[[], Any]) -> set[str]:
    """How the table of jobs is read: by which index, by row address, or as a whole."""
    found = set()
    for node in plans_of(work):
        kind, index = node["Node Type"], node.get("Index Name")
        # The scan of an index for a bitmap does not say of which table.
        if node.get("Relation Name") == Job._meta.db_table and kind.endswith("Scan"):
            found.add(f"{kind} {index}" if index else kind)
        elif kind == "Bitmap Index Scan":
            found.add(f"{kind} {index}")
    return found


def assert_by_key(reads: set[str]) -> None:
    assert reads
    assert reads <= BY_KEY


def completing(taken: list[ClaimedJob]) -> Callable[[], Any]:
    finishes = [Finish(job, Outcome.complete(None), "worker:test") for job in taken]
    return lambda: active_store().finish(finishes)


@pytest.mark.parametrize("ended", [0, 3_000, 60_000])
def test_nothing_reads_the_whole_table(ended: int) -> None:
    fill(2_000, "pending")
    fill(ended, "completed")
    analyze()
    taken: list[ClaimedJob] = []
    assert reads_of_jobs(lambda: taken.extend(claim(500))) == CLAIM
    assert_by_key(reads_of_jobs(completing(taken)))
    claim(500)
    renewed = reads_of_jobs(lambda: active_store().renew([PROCESS], 60))
    assert "Index Scan django_jobs_held" in renewed
    assert_by_key(renewed - {"Index Scan django_jobs_held"})


@pytest.mark.fault("F41")
def test_a_million_ended_jobs_and_a_future_are_not_looked_at() -> None:
    fill(1_000_000, "completed")
    fill(100_000, "scheduled", seconds=3600)
    fill(20_000, "pending", queue="other")
    fill(2_000, "pending")
    # The first claim comes before PostgreSQL has gathered statistics of what was just enqueued.
    for expected in (CLAIM | BITMAP, CLAIM):
        taken: list[ClaimedJob] = []
        assert reads_of_jobs(lambda taken=taken: taken.extend(claim(500))) <= expected  # type: ignore[misc]
        assert len(taken) == 500
        assert_by_key(reads_of_jobs(completing(taken)))
        analyze()


def test_a_thousand_jobs_are_three_statements() -> None:
    """Enqueued, claimed and completed, with all their transitions."""
    with CaptureQueriesContext(connection) as captured:
        jobs.add.later_many([{"a": 1}] * 1000)
        taken = claim(1000)
        completing(taken)()
    assert len(captured) <= 3
    assert status(taken[-1]) == "completed"


def test_any_number_of_queues_is_one_statement() -> None:
    queues = {"default": 5, "mail": 5, "reports": 5}
    for queue in queues:
        jobs.add.using(queue=queue).later(1)
    with CaptureQueriesContext(connection) as captured:
        taken = claim(limits=queues, process=uuid7())
    assert len(captured) == 1
    assert {job.queue for job in taken} == set(queues)
