"""PostgreSQL's plans for the overview, on a table that is not small: it is never read whole."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.test_plans import many_jobs

__all__ = ["many_jobs"]

pytestmark = [
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="plans are read on PostgreSQL only"
    )
]

#: So many are due and failed that a database may think of reading them all instead.
CROWD = """
UPDATE django_jobs_job SET status = 'pending', completed_at = NULL
WHERE right(id::text, 1) IN ('1', '2') AND status = 'completed';
UPDATE django_jobs_job SET status = 'failed'
WHERE right(id::text, 1) = '3' AND status = 'completed';
UPDATE django_jobs_job SET status = 'scheduled', completed_at = NULL
WHERE right(id::text, 1) = '4' AND status = 'completed';
"""


@pytest.mark.parametrize("is_crowded", [False, True])
def test_the_overview_never_reads_the_whole_table(
    many_jobs: None,
    boss: Client,
    is_crowded: bool,
) -> None:
    with connection.cursor() as cursor:
        if is_crowded:
            cursor.execute(CROWD)
        cursor.execute("ANALYZE django_jobs_job")
        # As on disks of this century; a twelfth of a table is otherwise a close decision.
        cursor.execute("SET LOCAL random_page_cost = 1.1")
    with CaptureQueriesContext(connection) as captured:
        for url in ("/admin/django_jobs/", reverse("admin:django_jobs_overview_live")):
            assert boss.get(url).status_code == 200
    found = []
    for sql in (one["sql"] for one in captured if '"django_jobs_job"' in one["sql"]):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (ANALYZE) " + sql.replace("%", "%%"), [])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        if "Seq Scan on django_jobs_job" in plan:
            found.append(f"{sql[:300]}\n{plan}")
    assert not found, "\n\n".join(found)
