"""PostgreSQL's plans for the page of a job, on a table that is not small: none reads it whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs.models import Job
from django_jobs.states import Status
from tests.admin.pages import page_of
from tests.admin.test_plans import FILL
from tests.factories import QueueFactory, WorkerFactory, WorkerProcessFactory

pytestmark = [
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="plans are read on PostgreSQL only"
    )
]

#: Rows that one statement of the page may look at.
ROWS_MAX = 1500


@pytest.fixture
def long_line(any_status: None) -> None:
    """A month of jobs, and one of the queues with 40,000 that wait."""
    worker = WorkerFactory(queues={f"queue-{n}": 5 for n in range(4)}, state="running")
    WorkerProcessFactory.create_batch(3, worker=worker)
    QueueFactory(name="queue-1")
    with connection.cursor() as cursor:
        cursor.execute(FILL)
        cursor.execute(
            "UPDATE django_jobs_job SET status = 'pending', completed_at = NULL, "
            "job_name = 'tests.add' WHERE id IN "
            "(SELECT id FROM django_jobs_job WHERE status = 'completed' LIMIT 40000)"
        )
        cursor.execute("ANALYZE django_jobs_job")


def plans(client: Client, job: Job) -> Iterator[tuple[str, str]]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page_of(job)).status_code == 200
    for sql in (one["sql"] for one in captured if '"django_jobs_job"' in one["sql"]):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE) " + sql.replace("%", "%%"), [])
            yield sql[:300], "\n".join(line for (line,) in cursor.fetchall())


def test_no_page_of_a_job_reads_the_whole_table(long_line: None, boss: Client) -> None:
    pending = Job.objects.pending().filter(job_name="tests.add").in_claim_order()
    found = [
        pending.first(),
        pending.last(),
        *(
            Job.objects.filter(status=status).last()
            for status in (Status.RUNNING, Status.SCHEDULED, Status.FAILED, Status.COMPLETED)
        ),
    ]
    bad = []
    for job in found:
        assert job is not None
        for sql, plan in plans(boss, job):
            rows = [int(number) for number in re.findall(r"actual time=\S+ rows=(\d+)", plan)]
            removed = [int(number) for number in re.findall(r"Removed by Filter: (\d+)", plan)]
            if "Seq Scan on django_jobs_job" in plan or max([*rows, *removed]) > ROWS_MAX:
                bad.append(f"{job.status}\n{sql}\n{plan}")
    assert not bad, "\n\n".join(bad)
