"""PostgreSQL's plans for the list of jobs, on a table that is not small: it is never read whole."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_jobs.admin import reach
from tests.admin.pages import list_of

pytestmark = [
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="plans are read on PostgreSQL only"
    )
]

ROWS = 120_000

#: A month of jobs, one in fifty failed and one in ten thousand live.
FILL = f"""
INSERT INTO django_jobs_job (
    id, job_name, queue, priority, params, tags, status, progress, progress_message, error,
    scheduled_for, max_attempts, attempt_count, failure_count, crash_count, lease,
    correlation_id, created_at, updated_at, completed_at, worker_expires_at
)
SELECT
    (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || '70008000' || lpad(to_hex(number), 12, '0'))::uuid,
    'tests.job' || number % 10, 'queue-' || number % 4, 0, '{{}}', '[]',
    CASE WHEN number % 10000 = 0 THEN 'pending' WHEN number % 10000 = 1 THEN 'running'
        WHEN number % 10000 = 2 THEN 'scheduled' WHEN number % 50 = 3 THEN 'failed'
        ELSE 'completed' END,
    0, '', CASE WHEN number % 50 = 3 THEN repeat('Traceback ', 50) ELSE '' END,
    moment, 3, 1, 0, 0, 1, CASE WHEN number % 3 = 0 THEN 'import-' || number ELSE '' END,
    moment, moment,
    CASE WHEN number % 10000 IN (0, 1, 2) THEN NULL ELSE moment END,
    CASE WHEN number % 10000 = 1 THEN moment END
FROM (
    SELECT number, now() - (({ROWS} - number) * interval '20 seconds') AS moment
    FROM generate_series(1, {ROWS}) AS number
) AS numbers
"""

QUERIES = [
    "",
    "before=01a20900000070008000000000000000",
    "after=01a20900000070008000000000000000",
    "status=completed&before=ffffffff000070008000000000000000.4000000000000000",
    "status=failed&after=00000000000070008000000000000000.1000000",
    "q=status:failed+error:Nothing",
    "q=status:completed+queue:rare",
    "q=params.x:1",
    "q=created:<2d+priority:>5",
    "q=tag:x+-queue:queue-1",
    "q=worker:nobody",
    "q=correlation:import-300",
    "q=status:failed,discarded",
    "q=-status:completed",
    "q=status:completed+ended:>5d",
    "status=completed",
    "status=failed",
    "status=pending",
    "status=unfinished",
    "queue=queue-1",
    "queue=rare",
    "queue=queue-1&status=failed",
    "job=tests.job1&queue=queue-1",
    "q=import-300",
    "q=nothing-like-it",
    "q=00000000-0000-7000-8000-000000000000",
    "created_at__year=2020",
]


@pytest.fixture
def many_jobs(any_status: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL)
        cursor.execute("ANALYZE django_jobs_job")


def test_no_page_of_the_list_reads_the_whole_table(
    many_jobs: None, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As much smaller as the table is than one of a million jobs.
    monkeypatch.setattr(reach, "WINDOW", reach.WINDOW // 10)
    found = []
    for query in QUERIES:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(f"{list_of('job')}?{query}").status_code == 200
        for sql in (one["sql"] for one in captured if '"django_jobs_job"' in one["sql"]):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (ANALYZE) " + sql.replace("%", "%%"), [])
                plan = "\n".join(line for (line,) in cursor.fetchall())
            if "Seq Scan on django_jobs_job" in plan:
                found.append(f"{query}\n{sql[:300]}\n{plan}")
    assert not found, "\n\n".join(found)
