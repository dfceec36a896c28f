"""A project whose jobs are shown by an admin site of its own, beside the first one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.test import Client
from django.urls import path, reverse

from django_jobs.models import AuditAction, Job, JobAudit, Queue
from django_jobs.states import Status
from testproject.quakes.models import Quake
from tests.admin.pages import told
from tests.factories import CronJobFactory, JobFactory, WorkerFactory

OURS = [model for model in admin.site._registry if model._meta.app_label == "django_jobs"]

first, second, partial = (admin.AdminSite(name) for name in ("admin", "ops", "partial"))
for shown_model, page in admin.site._registry.items():
    (second if shown_model in OURS else first).register(shown_model, type(page))
partial.register(Job, type(admin.site._registry[Job]))
partial.register(Quake, type(admin.site._registry[Quake]))

urlpatterns = [path(f"{site.name}/", site.urls) for site in (first, second, partial)]


@pytest.fixture
def rows(any_status: None, settings: Any) -> dict[str, Model]:
    settings.ROOT_URLCONF = __name__
    job = JobFactory(status=Status.FAILED, correlation_id="c-1", tags=["night"])
    waiting = JobFactory(queue="reports")  # for a worker: its page leads to theirs
    WorkerFactory(queues={"default": 1})
    audited = JobAudit.objects.create(action=AuditAction.RETRY, target=str(job.pk), count=1)
    return {
        "job": job,
        "waiting": waiting,
        "cronjob": CronJobFactory(job_name="tests.add", last_job=job),
        "queue": Queue(name="reports"),
        "jobaudit": audited,
    }


@pytest.mark.parametrize("model", ["job", "cronjob", "queue", "jobaudit"])
def test_pages_lead_to_pages_of_the_same_site(
    rows: dict[str, Model], boss: Client, model: str
) -> None:
    row = rows[model]
    for name, args in (("changelist", []), ("change", [quote(row.pk)])):
        url = reverse(f"ops:django_jobs_{model}_{name}", args=args)
        page = boss.get(url).content.decode()
        assert 'href="/ops/django_jobs/' in page
        assert '"/admin/' not in page


@pytest.mark.parametrize("name", ["export", "save_filter", "remove_filter"])
def test_forms_lead_back_to_the_same_site(rows: dict[str, Model], boss: Client, name: str) -> None:
    answer = boss.post(reverse(f"ops:django_jobs_job_{name}"))
    assert answer["Location"].startswith("/ops/django_jobs/job/")
    assert told(answer)


@pytest.mark.parametrize("name", ["job_change", "job_changelist", "catalogue_job"])
def test_models_that_a_site_leaves_out_are_not_linked(
    rows: dict[str, Model], boss: Client, name: str
) -> None:
    args = {"job_change": [rows["waiting"].pk], "catalogue_job": ["tests.add"]}.get(name, [])
    page = boss.get(reverse(f"partial:django_jobs_{name}", args=args))
    assert page.status_code == 200
    assert "/worker/" not in page.content.decode()
