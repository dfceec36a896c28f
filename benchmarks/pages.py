"""``python -m benchmarks.pages``: how long the pages of the admin take with a million jobs.

Server time only: the request through all middleware, without network and browser. For every page
the median of some runs, how many queries it made, and whether one of them read the whole table of
jobs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import dataclass
from typing import Any, Final

import django

from benchmarks import table
from benchmarks.plan import tell
from benchmarks.servers import DurablePostgres

#: Milliseconds and queries that a page may take.
LONGEST: Final = 150.0
MOST_QUERIES: Final = 8
#: Looked at with an empty cache each time, as after a deploy.
COLD: Final = "overview, nothing cached"
#: The same; it is no page, and may ask more: the overview does not wait for it.
LAMP: Final = "picture on the overview"
#: Every page of the admin asks these: the session, the user, and what the user may.
_EVERYWHERE: Final = ("django_session", "auth_user", "auth_permission", "django_content_type")


@dataclass(frozen=True)
class Visit:
    """One look at a page."""

    milliseconds: float
    queries: int
    reads_all: bool


def main() -> None:
    """Fill a database, look at every page, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="how many (default: a million)")
    parser.add_argument("--runs", type=int, default=5, help="looks at each page (default: 5)")
    options = parser.parse_args()
    with DurablePostgres() as server:
        os.environ |= {
            "DATABASE_URL": server.dsn("postgres"),
            "DJANGO_SETTINGS_MODULE": "testproject.settings",
            "DEBUG": "false",
        }
        django.setup()
        _measure(options.jobs, options.runs)


def _measure(jobs: int, runs: int) -> None:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from benchmarks import crowded_site

    call_command("migrate", verbosity=0)
    tell(f"filling the tables with {jobs:,} jobs")
    crowded_site.build(jobs)
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    rows = [
        _row(title, address, [_look(client, title, address) for _ in range(runs + 1)][1:])
        for title, address in pages().items()
    ]
    print(table.plain(("page", "median ms", "worst ms", "queries", "verdict"), rows))


def _row(title: str, address: str, visits: list[Visit]) -> tuple[str, ...]:
    times = [visit.milliseconds for visit in visits]
    faults = []
    if statistics.median(times) > LONGEST:
        faults.append("too slow")
    if visits[0].queries > MOST_QUERIES and title != LAMP:
        faults.append("too many queries")
    if visits[0].reads_all:
        faults.append("reads the whole table of jobs")
    return (
        f"{title} {address}"[:70],
        f"{statistics.median(times):.0f}",
        f"{max(times):.0f}",
        str(visits[0].queries),
        ", ".join(faults) or "good",
    )


def _look(client: Any, title: str, address: str) -> Visit:
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if title in (COLD, LAMP):
        cache.clear()
    with CaptureQueriesContext(connection) as captured:
        began = time.perf_counter()
        answer = client.get(address)
        if answer.streaming:
            b"".join(answer.streaming_content)
        took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    asked = [query["sql"] for query in captured if not _is_of_every_page(query["sql"])]
    return Visit(took, len(asked), any(_reads_all(sql) for sql in asked))


def _is_of_every_page(sql: str) -> bool:
    return any(f'FROM "{name}' in sql for name in _EVERYWHERE) or not sql.startswith(
        ("SELECT", "WITH")
    )


def _reads_all(sql: str) -> bool:
    from django.db import connection

    if "django_jobs_job" not in sql:
        return False
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql.replace("%", "%%"), [])
        return any(
            line.strip().removeprefix("->  ").startswith("Seq Scan on django_jobs_job ")
            or "Parallel Seq Scan on django_jobs_job " in line
            for (line,) in cursor.fetchall()
        )


def pages() -> dict[str, str]:
    """The pages by what they are called, and their addresses."""
    from django.urls import reverse

    from django_jobs.models import CronJob, Job, JobAudit

    def list_of(model: str, query: str = "") -> str:
        return reverse(f"admin:django_jobs_{model}_changelist") + query

    def page_of(model: str, key: object) -> str:
        return reverse(f"admin:django_jobs_{model}_change", args=[key])

    newest = {
        status: Job.objects.filter(status=status).order_by("-pk").values_list("pk", flat=True)[0]
        for status in ("completed", "failed", "pending", "running", "scheduled", "retrying")
    }
    deep = Job.objects.order_by("pk").values_list("pk", flat=True)[1000]
    return {
        COLD: reverse("admin:app_list", args=["django_jobs"]),
        LAMP: reverse("admin:django_jobs_overview_lamp"),
        "overview": reverse("admin:app_list", args=["django_jobs"]),
        "overview, week": reverse("admin:app_list", args=["django_jobs"]) + "?range=7d",
        "jobs": list_of("job"),
        "jobs, failed": list_of("job", "?status=failed"),
        "jobs, completed": list_of("job", "?status=completed"),
        "jobs, pending": list_of("job", "?status=pending"),
        "jobs, unfinished": list_of("job", "?status=unfinished"),
        "jobs, far back": list_of("job", f"?before={deep.hex}"),
        "jobs, searched": list_of("job", "?q=queue:mail+status:failed+job:site.job1*"),
        "jobs, by parameter": list_of("job", "?q=params.number:7+queue:mail"),
        "jobs, by error": list_of("job", "?q=error:Timeout"),
        **{f"job, {status}": page_of("job", key) for status, key in newest.items()},
        "queues": list_of("queue"),
        "queue": page_of("queue", "mail"),
        "workers": list_of("worker"),
        "worker": page_of("worker", "web1"),
        "schedules": list_of("cronjob"),
        "schedule": page_of("cronjob", CronJob.objects.values_list("pk", flat=True)[0]),
        "audit": list_of("jobaudit"),
        "audit entry": page_of("jobaudit", JobAudit.objects.values_list("pk", flat=True)[0]),
        "failures": list_of("failuregroup"),
        "failure": page_of("failuregroup", "0000000000000007"),
        "catalogue": reverse("admin:django_jobs_catalogue"),
        "catalogue, one job": reverse("admin:django_jobs_catalogue_job", args=["jobs.cleanup"]),
    }


if __name__ == "__main__":
    main()
