"""What every page of the admin asks PostgreSQL: not often, and never for all jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import resolve, reverse

from django_jobs.admin.jobs import bulk as job_bulk
from django_jobs.admin.jobs.listing import reach
from django_jobs.admin.jobs.listing import search as job_search
from django_jobs.admin.jobs.listing import tabs as job_tabs
from django_jobs.stats import depths, glance
from tests.admin.crowd import FINGERPRINT, SCENES, Crowd, make_crowd
from tests.admin.pages import list_of, page_of
from tests.admin.statements import MOST_QUERIES, asked_by

#: Rows that pages may look at, made as much smaller as the table is than one of a million jobs.
BOUND = 1000
BOUNDS = [
    (reach, "WINDOW"),
    (reach, "SCATTERED_WINDOW"),
    (job_search, "FOUND_MAX"),
    (job_bulk, "LOOKED_AT"),
    (job_tabs, "COUNT_MAX"),
    (glance, "COUNT_MAX"),
    (depths, "COUNTED_MAX"),
]
#: What one step of a plan may read: those, and what chance adds.
ROWS_MAX = BOUND * 3 // 2

SEARCHES = [
    "",
    "before=01a20900000070008000000000000000",
    "after=01a20900000070008000000000000000",
    "status=completed&before=ffffffff000070008000000000000000.4000000000000000",
    "status=failed&after=00000000000070008000000000000000.1000000",
    "q=status:failed+error:Nothing",
    "q=status:failed+queue:queue-1+job:tests.a*",
    "q=status:completed+queue:rare",
    "q=params.x:1",
    "q=created:<2d+priority:>5",
    "q=tag:x+-queue:queue-1",
    "q=worker:nobody",
    "q=correlation:import-300",
    f"q=failure:{FINGERPRINT}+status:failed",
    "q=subject:shop.order:17",
    "q=status:failed,discarded",
    "q=-status:completed",
    "q=status:completed+ended:>5d",
    "status=completed&q=ended:>=2026-01-01T10:00+ended:<2026-01-01T11:00",
    "status=completed&queue=queue-1&q=ended:>1d+ended:<2d",
    "status=failed&job=tests.add&q=ended:>=2026-01-01",
    "status=completed",
    "status=failed",
    "status=pending",
    "status=unfinished",
    "queue=queue-1",
    "queue=rare",
    "queue=queue-1&status=failed",
    "job=tests.add&queue=queue-1",
    "q=import-300",
    "q=nothing-like-it",
    "q=00000000-0000-7000-8000-000000000000",
    "created_at__year=2020",
]

PREVIEWS = [
    ("cancel", "status=unfinished"),
    ("discard", "q=nothing-like-it"),
    ("retry", "status=failed"),
    ("retry", "q=status:failed+job:tests.a*"),
    ("delete_selected", "status=completed"),
    ("delete_selected", ""),
]

#: Answers to forms, and what nobody may.
NO_PAGES = re.compile(
    r"_(press|export|save_filter|remove_filter)$"
    r"|_(?!cronjob)\w+_add$|_(failuregroup|jobaudit|queue)_delete$"
)
#: No page but a picture on one, that the page does not wait for.
LAMP = "django_jobs_overview_lamp"


def addresses(crowd: Crowd) -> Iterator[str]:
    """Every page, and of those that have many faces the faces."""
    overview = reverse("admin:app_list", args=["django_jobs"])
    yield from (overview, f"{overview}?range=1h", f"{overview}?range=7d")
    for name in ("overview_live", "overview_lamp", "catalogue"):
        yield reverse(f"admin:django_jobs_{name}")
    yield reverse("admin:django_jobs_catalogue_job", args=["tests.add"])
    yield from (f"{list_of('job')}?{search}" for search in SEARCHES)
    yield from (page_of(job) for job in crowd.jobs)
    yield from (page_of(job, "live") for job in crowd.jobs)
    ids = ",".join(job.pk.hex for job in crowd.jobs)
    yield f"{reverse('admin:django_jobs_job_rows')}?ids={ids}"
    yield from (page_of(crowd.jobs[-1], page) for page in ("rerun", "history", "delete"))
    yield page_of(crowd.jobs[-2], "edit")
    for row in (crowd.queue, crowd.worker, crowd.schedule, crowd.failure, crowd.entry):
        yield list_of(str(row._meta.model_name))
        yield from (page_of(row), page_of(row, "history"))
    yield reverse("admin:django_jobs_cronjob_add")
    yield from (page_of(crowd.schedule, page) for page in ("backfill", "delete"))
    yield page_of(crowd.gone, "delete")
    yield page_of(crowd.failure, "live")


def previews(crowd: Crowd) -> Iterator[tuple[str, dict[str, str]]]:
    """The pages that ask before something is done to all jobs of a list."""
    sent = {"_selected_action": str(crowd.jobs[0].pk), "select_across": "1", "index": "0"}
    for action, search in PREVIEWS:
        yield f"{list_of('job')}?{search}", {**sent, "action": action}


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


def pages_of_ours() -> set[str]:
    """The names of all addresses in the admin that somebody may look at."""
    ours = [
        model_admin
        for model, model_admin in admin.site._registry.items()
        if model._meta.app_label == "django_jobs"
    ]
    names = {pattern.name for one in ours for pattern in one.get_urls() if pattern.name}
    return {name for name in names if not NO_PAGES.search(name)}
