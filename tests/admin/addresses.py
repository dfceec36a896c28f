"""Every address in the admin that somebody may look at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.contrib import admin
from django.urls import reverse

from tests.admin.crowd import FINGERPRINT, Crowd
from tests.admin.pages import list_of, page_of

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
    r"_(press|columns|export|save_filter|remove_filter)$"
    r"|_(?!cronjob)\w+_add$|_(failuregroup|jobaudit|queue)_delete$"
)


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


def pages_of_ours() -> set[str]:
    """The names of all addresses in the admin that somebody may look at."""
    ours = [
        model_admin
        for model, model_admin in admin.site._registry.items()
        if model._meta.app_label == "django_jobs"
    ]
    names = {pattern.name for one in ours for pattern in one.get_urls() if pattern.name}
    return {name for name in names if not NO_PAGES.search(name)}
