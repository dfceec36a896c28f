"""A page loads the style sheets that its parts have rules in, and no part stays naked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.admin.pages import list_of, page_of
from tests.browser.ordinary import Ordinary, make_ordinary


def rules() -> dict[str, set[str]]:
    """Class → the style sheets that have a rule for it."""
    found: dict[str, set[str]] = {}
    folder = finders.find("django_jobs")
    assert isinstance(folder, str)
    # What unfold.css says counts under django-unfold alone, on every page.
    for sheet in set(Path(folder).glob("*.css")) - set(Path(folder).glob("unfold.css")):
        for name in re.findall(r"\.(jobs-[\w-]+)", sheet.read_text()):
            found.setdefault(name, set()).add(sheet.name)
    return found


def addresses(scene: Ordinary) -> Iterator[str]:
    yield reverse("admin:app_list", args=["django_jobs"])
    yield reverse("admin:django_jobs_catalogue")
    yield reverse("admin:django_jobs_catalogue_job", args=[scene.failed.job_name])
    rows = (scene.failed, scene.failure, scene.queue, scene.worker, scene.schedule, scene.entry)
    for row in rows:
        yield list_of(str(row._meta.model_name))
        yield page_of(row)
    yield from (page_of(job) for job in (scene.running, scene.waiting, scene.completed))
    yield page_of(scene.failed, "edit")
    yield page_of(scene.completed, "rerun")
    yield page_of(scene.schedule, "backfill")


@pytest.fixture
def scene(any_status: None) -> Iterator[Ordinary]:
    yield make_ordinary()
    cache.clear()  # of what the doctor said


def test_a_page_loads_the_rules_for_what_is_on_it(scene: Ordinary, boss: Client) -> None:
    sheets_of = rules()
    naked = []
    for address in addresses(scene):
        page = boss.get(address).content.decode()
        loaded = set(re.findall(r"django_jobs/(\w+\.css)", page))
        assert "admin.css" in loaded
        used = {name for names in re.findall(r'class="([^"]*)"', page) for name in names.split()}
        naked += [
            f"{address}: {name} is in {sheets_of[name]}"
            for name in sorted(used & sheets_of.keys())
            if not sheets_of[name] & loaded
        ]
    assert not naked, "\n".join(naked)
