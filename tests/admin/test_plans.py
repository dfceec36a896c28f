"""What every page of the admin asks PostgreSQL: not often, and never for all jobs."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import resolve

from django_jobs.admin.jobs import impact
from django_jobs.admin.jobs.listing import reach
from django_jobs.admin.jobs.listing import search as job_search
from django_jobs.admin.jobs.listing import tabs as job_tabs
from django_jobs.stats import depths, glance
from tests.admin.addresses import addresses, pages_of_ours, previews
from tests.admin.crowd import SCENES, make_crowd
from tests.admin.pages import list_of
from tests.admin.statements import MOST_QUERIES, asked_by

#: Rows that pages may look at, made as much smaller as the table is than one of a million jobs.
BOUND = 1000
BOUNDS = [
    (reach, "WINDOW"),
    (reach, "SCATTERED_WINDOW"),
    (job_search, "FOUND_MAX"),
    (impact, "LOOKED_AT"),
    (job_tabs, "COUNT_MAX"),
    (glance, "COUNT_MAX"),
    (depths, "COUNTED_MAX"),
]
#: What one step of a plan may read: those, and what chance adds.
ROWS_MAX = BOUND * 3 // 2

#: No page but a picture on one, that the page does not wait for.
LAMP = "django_jobs_overview_lamp"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's plans")
@pytest.mark.parametrize("scene", SCENES)
def test_no_page_asks_often_or_reads_the_whole_table(
    any_status: None, boss: Client, monkeypatch: pytest.MonkeyPatch, scene: str
) -> None:
    for module, name in BOUNDS:
        monkeypatch.setattr(module, name, BOUND)
    cache.clear()  # what the overview keeps there it has to ask now
    crowd = make_crowd(scene)
    seen: set[str] = set()
    faults, visited = [], set()
    for address, sent in (*((one, None) for one in addresses(crowd)), *previews(crowd)):
        asked = asked_by(boss, address, sent)
        visited.add(name := resolve(address.partition("?")[0]).url_name)
        if len(asked) > MOST_QUERIES and name != LAMP:
            faults.append(f"{address} asks {len(asked)} times:\n" + "\n".join(asked))
        new = [sql for sql in asked if '"django_jobs_job"' in sql and sql not in seen]
        seen.update(new)
        faults += [f"{address}\n{sql[:300]}\n{fault}" for sql in new if (fault := fault_of(sql))]
    assert not faults, "\n\n".join(faults)
    assert pages_of_ours() <= visited


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's plans")
def test_a_search_for_a_part_of_a_name_reads_no_more_than_a_page(
    any_status: None, boss: Client
) -> None:
    make_crowd("crowded")
    asked = asked_by(boss, f"{list_of('job')}?q=status:failed+queue:queue-1+job:tests.a*")
    (search,) = (sql for sql in asked if "tests.a" in sql)
    assert not fault_of(search, rows_max=300)


def fault_of(sql: str, rows_max: int = ROWS_MAX) -> str:
    """The plan of a statement that reads too much; empty if it does not."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE) " + sql.replace("%", "%%"), [])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    steps = re.findall(r"Scan .*actual time=\S+ rows=([\d.]+) loops=(\d+)", plan)
    read = [float(rows) * int(loops) for rows, loops in steps]
    read += [float(rows) for rows in re.findall(r"Removed by Filter: ([\d.]+)", plan)]
    is_whole = re.search(r"Seq Scan on django_jobs_job\b", plan)
    return plan if is_whole or max(read, default=0) > rows_max else ""
