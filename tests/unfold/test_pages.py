"""Under django-unfold every page of the admin opens, and its main parts are there."""

from __future__ import annotations

from typing import Final

from django.core.cache import cache
from django.test import Client
from django.urls import resolve, reverse

from django_jobs.models import CronJob
from tests.admin.addresses import addresses, pages_of_ours, previews
from tests.admin.crowd import Crowd
from tests.admin.pages import list_of
from tests.browser.ordinary import Ordinary
from tests.factories import WorkerFactory
from tests.unfold import skip_without_unfold
from tests.unfold.html import Page

skip_without_unfold()

#: Parts of pages, as the ids and classes of their elements.
OVERVIEW: Final = {"jobs-verdict", "jobs-tiles", ".jobs-sparkline", ".jobs-chart", "jobs-ranking"}
JOB: Final = {"jobs-summary", "jobs-phases", "jobs-why", "jobs-timeline", "jobs-lineage"}
FORM: Final = {".jobs-enqueue"}
PARTS: Final = {
    "app_list": OVERVIEW | {"jobs-live"},
    "django_jobs_overview_live": OVERVIEW,
    "django_jobs_catalogue": {".jobs-catalogue", ".jobs-find"},
    "django_jobs_catalogue_job": FORM | {".jobs-docstring", ".jobs-options", "id_params-a"},
    "django_jobs_job_changelist": {".jobs-tabs", ".jobs-tools", "searchbar", ".jobs-search-help"},
    "django_jobs_job_change": JOB | {"jobs-buttons", "jobs-live", "jobs-audit", ".jobs-copy"},
    "django_jobs_job_live": JOB,
    "django_jobs_job_edit": FORM | {"id_params-region"},
    "django_jobs_job_rerun": FORM | {"id_params-region"},
    "django_jobs_queue_changelist": {"result_list", ".jobs-sparkline", ".jobs-badge"},
    "django_jobs_queue_change": {"jobs-buttons", ".jobs-facts", "id_max_running", "id_rate_limit"},
    "django_jobs_worker_changelist": {"result_list", ".jobs-tree", ".jobs-warning"},
    "django_jobs_worker_change": {"jobs-buttons", ".jobs-tree"},
    "django_jobs_cronjob_changelist": {"result_list", "searchbar", "changelist-filter"},
    "django_jobs_cronjob_add": {"id_cron_expression", "id_params"},
    "django_jobs_cronjob_change": {"jobs-buttons", "id_cron_expression"},
    "django_jobs_cronjob_backfill": {".jobs-backfill"},
    "django_jobs_failuregroup_changelist": {"result_list", ".jobs-tabs", ".jobs-sparkline"},
    "django_jobs_failuregroup_change": {"jobs-buttons", ".jobs-forms", ".jobs-copy"},
    "django_jobs_jobaudit_changelist": {"result_list", "searchbar", "changelist-filter"},
    "django_jobs_jobaudit_change": {".jobs-badge", ".jobs-copy"},
}
#: Answers to scripts, and Django's own pages, which have no navigation of ours.
NOT_AROUND: Final = ("_live", "_lamp", "_rows", "_history", "_delete")


def test_every_page_opens_with_its_parts(scene: Ordinary, boss: Client) -> None:
    cache.clear()
    crowd = _all_of(scene)
    visited, missing = set(), []
    for address in addresses(crowd):
        answer = boss.get(address)
        assert answer.status_code == 200, address
        visited.add(name := resolve(address.partition("?")[0]).url_name)
        wanted = PARTS.get(name, set())
        if not name.endswith(NOT_AROUND):
            wanted = wanted | {".jobs-navigation", "unfold-theme-colors"}
        if lacking := wanted - Page(answer.content.decode()).parts:
            missing.append((address, lacking))
    assert missing == []
    assert pages_of_ours() <= visited
    assert set(PARTS) <= visited


def test_the_list_asks_before_it_acts_on_all(scene: Ordinary, boss: Client) -> None:
    for address, sent in previews(_all_of(scene)):
        token = boss.get(reverse("admin:index")).context["csrf_token"]
        answer = boss.post(address, {**sent, "csrfmiddlewaretoken": str(token)})
        assert answer.status_code == 200, address
        assert {".jobs-confirm", ".jobs-navigation"} <= Page(answer.content.decode()).parts, address


def test_the_list_of_jobs_shows_no_count_that_nobody_made(scene: Ordinary, boss: Client) -> None:
    lists = [boss.get(list_of(model)).content.decode() for model in ("job", "failuregroup")]
    assert ['(<a href="?">' in page for page in lists] == [False, True]


def test_pages_of_others_have_what_we_add(scene: Ordinary, boss: Client) -> None:
    added = {
        reverse("admin:index"): ".jobs-box",
        reverse("admin:quakes_quake_change", args=[scene.quake.pk]): "jobs-of-subject",
    }
    for address, part in added.items():
        assert part in Page(boss.get(address).content.decode()).parts, address


def _all_of(scene: Ordinary) -> Crowd:
    """One row of everything; a schedule that is not of the code can be deleted, too."""
    return Crowd(
        jobs=[scene.waiting, scene.running, scene.failed, scene.completed],
        queue=scene.queue,
        worker=scene.worker,
        gone=WorkerFactory(state="stopped"),
        schedule=CronJob.objects.get(name="own one"),
        failure=scene.failure,
        entry=scene.entry,
    )
